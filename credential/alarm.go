package credential

import (
	"sync"
	"sync/atomic"
	"time"
)

// alarm is a backoff.Timer that can be rung early, when there is a reason. Start,
// Stop and C belong to one goroutine; ring may be called from any.
type alarm struct {
	// reason reports whether there is something to do before the time is up.
	reason func() bool

	mu    sync.Mutex // held to send, so that Start leaves no ring without a reason behind
	c     chan time.Time
	timer *time.Timer
}

func newAlarm() *alarm { return &alarm{c: make(chan time.Time, 1)} }

// Start implements backoff.Timer.
func (a *alarm) Start(d time.Duration) {
	a.Stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.c:
	default:
	}
	var timer *time.Timer
	timer = time.AfterFunc(d, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.timer == timer { // not of an earlier Start
			a.send()
		}
	})
	a.timer = timer
	if a.reason() {
		a.send()
	}
}

// Stop implements backoff.Timer.
func (a *alarm) Stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}

// C implements backoff.Timer.
func (a *alarm) C() <-chan time.Time { return a.c }

func (a *alarm) ring() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.reason() {
		a.send()
	}
}

func (a *alarm) send() {
	select {
	case a.c <- time.Time{}:
	default:
	}
}

// pulse tells the flights that wait for their next try that another one has got
// through: the source works again.
type pulse struct {
	beats atomic.Int64

	mu      sync.Mutex
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

// beat wakes all that wait, in any order: each then sends one request.
func (p *pulse) beat() {
	p.beats.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	for a := range p.waiting {
		a.ring()
	}
}
