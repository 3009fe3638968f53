// Package fault breaks HTTP on purpose: a handler in front of an API server, Entra or ARM that injects status codes, latency, resets before
// and after the request took effect, bodies cut short or dribbled, watches closed, expired or told twice, and reads of an old state, by
// script and from a seed.
package fault

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault is what happens to a request. Delay goes with any of the others, of which the first that is set counts; the zero value lets it pass.
type Fault struct {
	// Delay is waited first.
	Delay time.Duration
	// ResetBefore cuts the connection and nothing was done.
	ResetBefore bool
	// Status is answered and nothing done; RetryAfter, in seconds, and Body go with it. Without a body, the paths of an API server get the
	// Status object that it sends with this code; 410 to a watch is an answer in place of the stream.
	Status     int
	RetryAfter string
	Body       string
	// ExpireWatch answers a watch with the event that its resource version is too old, and a list's next page with 410 and the token with
	// which one may go on inconsistently.
	ExpireWatch bool
	// CloseWatchAfter ends a watch, in good order, so long after it began; 0 does not.
	CloseWatchAfter time.Duration
	// RepeatEvents tells each event of a watch twice.
	RepeatEvents bool
	// Stale answers a read with what the same request got at first, for so long; 0 does not.
	Stale time.Duration
	// ResetAfter does the request and loses the answer; StatusAfter does it and answers with this code instead, and with RetryAfter and Body.
	ResetAfter  bool
	StatusAfter int
	// Truncate cuts the answer after so many bytes of its body; 0 does not.
	Truncate int
	// Slow is waited before each byte of the answer's body.
	Slow time.Duration
}

// applies reports whether the fault can happen to a request at all. Whether it does may depend on the answer: see strike.
func (f *Fault) applies(r *http.Request) bool {
	switch {
	case f.ResetBefore, f.Status != 0:
		return true
	case f.ExpireWatch:
		return isWatch(r) || isNextPage(r)
	case f.CloseWatchAfter > 0, f.RepeatEvents:
		return isWatch(r)
	case f.Stale > 0:
		return r.Method == http.MethodGet && !isWatch(r)
	}
	return true
}

// Rule says which requests a fault happens to. Empty fields match everything; requests to which the fault cannot happen never match.
type Rule struct {
	// Methods to match, for example PATCH.
	Methods []string
	// Path is a part of the URL's path, for example /serviceaccounts/; Query one of its query as it was sent, for example dryRun=All.
	Path, Query string
	// ContentType is a part of the type of the request's body, for example apply-patch.
	ContentType string
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
	return (len(r.Methods) == 0 || slices.Contains(r.Methods, req.Method)) && strings.Contains(req.URL.Path, r.Path) &&
		strings.Contains(req.URL.RawQuery, r.Query) && strings.Contains(req.Header.Get("Content-Type"), r.ContentType) &&
		(!r.Watch || isWatch(req)) && r.Fault.applies(req)
}

func isWatch(req *http.Request) bool {
	w := req.URL.Query().Get("watch")
	return w == "1" || w == "true"
}

func isNextPage(req *http.Request) bool { return req.URL.Query().Get("continue") != "" }

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
	At                  time.Time
	Method, Path, Query string
	Fault               Fault
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

// Events are the faults that happened so far. Whoever saw a fault finds it here.
func (i *Injector) Events() []Event {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.log)
}
