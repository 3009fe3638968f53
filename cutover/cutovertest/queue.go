package cutovertest

import (
	"container/heap"
	"time"
)

// event is something that happens at an instant.
type event struct {
	at  time.Time
	seq uint64
	do  func()
}

// queue orders events by time, and by when they were made for equal times.
type queue struct {
	events []event
	seq    uint64
}

func (q *queue) Len() int { return len(q.events) }
func (q *queue) Less(i, j int) bool {
	a, b := q.events[i], q.events[j]
	if !a.at.Equal(b.at) {
		return a.at.Before(b.at)
	}
	return a.seq < b.seq
}
func (q *queue) Swap(i, j int) { q.events[i], q.events[j] = q.events[j], q.events[i] }
func (q *queue) Push(x any)    { q.events = append(q.events, x.(event)) }
func (q *queue) Pop() any {
	last := len(q.events) - 1
	e := q.events[last]
	q.events[last] = event{}
	q.events = q.events[:last]
	return e
}

// after makes something happen later. The caller holds the fleet's lock.
func (f *Fleet) after(d time.Duration, do func()) {
	at := f.now.Add(time.Duration(float64(d) * f.opts.Pace))
	f.queue.seq++
	heap.Push(&f.queue, event{at: at, seq: f.queue.seq, do: do})
	if f.driving && at.Before(f.driven) {
		select {
		case f.nudge <- struct{}{}:
		default:
		}
	}
}

// catchUp lets everything happen that is due. The caller holds the lock.
func (f *Fleet) catchUp() {
	now := time.Now()
	for f.queue.Len() > 0 && !f.queue.events[0].at.After(now) {
		e := heap.Pop(&f.queue).(event)
		f.now = e.at
		e.do()
		f.guard.instant()
	}
	f.now = now
}

// some returns a duration between low and high, by the fleet's seed.
func (f *Fleet) some(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(f.rng.Int64N(int64(high-low)))
}
