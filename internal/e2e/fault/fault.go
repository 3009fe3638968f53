// Package fault breaks HTTP on purpose: a handler in front of an API server, Entra or ARM that injects status codes, latency, resets before
// and after the request took effect, bodies cut short, watches closed or expired, and reads of an old state, by script and from a seed.
package fault

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault is what happens to a request. Fields combine; the zero value lets it pass.
type Fault struct {
	// Delay is waited first.
	Delay time.Duration
	// Status is answered and nothing done; RetryAfter, in seconds, and Body go with it.
	Status     int
	RetryAfter string
	Body       string
	// ResetBefore cuts the connection and nothing was done; ResetAfter does the request and loses the answer.
	ResetBefore, ResetAfter bool
	// Truncate cuts the answer after so many bytes of its body; 0 does not.
	Truncate int
	// CloseWatchAfter ends a watch, in good order, after so long; 0 does not.
	CloseWatchAfter time.Duration
	// ExpireWatch answers a watch with the event that its resource version is too old, and a list's next page with 410.
	ExpireWatch bool
	// Stale answers a read with what the same request got at first, for so long; 0 does not.
	Stale time.Duration
}

// Rule says which requests a fault happens to. Empty fields match everything.
type Rule struct {
	// Methods to match, for example PATCH.
	Methods []string
	// Path is a part of the URL's path, for example /serviceaccounts/.
	Path string
	// Watch matches watches only.
	Watch bool
	// Skip lets so many matching requests pass first; Times ends the rule after so many faults, 0 never.
	Skip, Times int
	// Share is the part of matching requests, between 0 and 1, that the fault happens to; 0 is all.
	Share float64
	// Fault is what happens.
	Fault Fault
}

func (r *Rule) matches(req *http.Request) bool {
	return (len(r.Methods) == 0 || slices.Contains(r.Methods, req.Method)) && strings.Contains(req.URL.Path, r.Path) && (!r.Watch || isWatch(req))
}

func isWatch(req *http.Request) bool {
	w := req.URL.Query().Get("watch")
	return w == "1" || w == "true"
}

// Injector holds the script. It is safe for concurrent use.
type Injector struct {
	mu     sync.Mutex
	random *rand.Rand
	rules  []*scripted
	log    []Event
	stale  map[string]answer
}

type scripted struct {
	Rule
	seen, done int
}

// Event is one fault that happened.
type Event struct {
	At           time.Time
	Method, Path string
	Fault        Fault
}

// New returns an injector without rules whose chances come from the seed.
func New(seed uint64) *Injector {
	return &Injector{random: rand.New(rand.NewPCG(seed, 0xfa)), stale: map[string]answer{}}
}

// Script replaces the rules; none lets everything pass. For each request the first rule that applies counts.
func (i *Injector) Script(rules ...Rule) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.rules = nil
	clear(i.stale)
	for _, r := range rules {
		i.rules = append(i.rules, &scripted{Rule: r})
	}
}

// Events are the faults that happened so far.
func (i *Injector) Events() []Event {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.log)
}

// choose returns the fault for a request.
func (i *Injector) choose(req *http.Request) (Fault, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, r := range i.rules {
		if !r.matches(req) {
			continue
		}
		r.seen++
		over := r.seen <= r.Skip || r.Times > 0 && r.done >= r.Times
		if over || r.Share > 0 && i.random.Float64() >= r.Share {
			continue
		}
		r.done++
		i.log = append(i.log, Event{time.Now(), req.Method, req.URL.Path, r.Fault})
		return r.Fault, true
	}
	return Fault{}, false
}
