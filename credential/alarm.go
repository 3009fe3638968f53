package credential

import (
	"sync"
	"time"
)

// alarm is a backoff.Timer that can be rung early. Start, Stop and C belong to one
// goroutine; ring may be called from any.
type alarm struct {
	due   func() bool // reports whether something already waits
	c     chan time.Time
	timer *time.Timer
}

func newAlarm() *alarm { return &alarm{c: make(chan time.Time, 1)} }

// Start implements backoff.Timer.
func (a *alarm) Start(d time.Duration) {
	a.Stop()
	select {
	case <-a.c:
	default:
	}
	a.timer = time.AfterFunc(d, a.ring)
	if a.due() { // rung before it was drained
		a.ring()
	}
}

// Stop implements backoff.Timer.
func (a *alarm) Stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}

// C implements backoff.Timer.
func (a *alarm) C() <-chan time.Time { return a.c }

func (a *alarm) ring() {
	select {
	case a.c <- time.Time{}:
	default:
	}
}

// pulse tells the flights that wait for their next try that another one has got
// through: the source works again.
type pulse struct {
	mu      sync.Mutex
	beats   int
	waiting map[*alarm]bool
}

func (p *pulse) join(a *alarm) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == nil {
		p.waiting = map[*alarm]bool{}
	}
	p.waiting[a] = true
}

func (p *pulse) leave(a *alarm) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, a)
}

func (p *pulse) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.beats
}

// beat wakes all that wait, in any order: each then sends one request.
func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beats++
	for a := range p.waiting {
		a.ring()
	}
}
