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
}

func (l *ledger) failure(now time.Time, path Path, o outcome, d Decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures++
	l.last = &Failure{Time: now, Path: path, Source: o.source, Decision: d.Name, Status: o.status, Codes: o.codes,
		Meaning: d.Meaning, Remedy: d.Remedy}
}
