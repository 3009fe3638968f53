package credential

import (
	"sync"
	"time"
)

// ledger remembers the last success and the failures since.
type ledger struct {
	mu          sync.Mutex
	lastSuccess time.Time
	answeredBy  Source
	failures    int // since the last success
	taken       int64
	failed      int64
	last        *Failure
}

// Failure is the last failed try, in a Status.
type Failure struct {
	Time     time.Time `json:"time"`
	Path     Path      `json:"path"`
	Source   Source    `json:"source"`
	Decision string    `json:"decision"`
	Status   int       `json:"status,omitempty"`
	Codes    []int     `json:"codes,omitempty"`
	Meaning  string    `json:"meaning"`
	Remedy   string    `json:"remedy"`
}

func (l *ledger) success(now time.Time, _ Path, by Source) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastSuccess, l.answeredBy, l.failures = now, by, 0
	l.taken++
}

// without counts a caller that got no token.
func (l *ledger) without() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed++
}

func (l *ledger) failure(now time.Time, path Path, o outcome, d Decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures++
	l.last = &Failure{Time: now, Path: path, Source: o.source, Decision: d.Name, Status: o.status, Codes: o.codes,
		Meaning: d.Meaning, Remedy: d.Remedy}
}
