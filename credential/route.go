package credential

import (
	"sync"
	"time"
)

// route is the pinned path, and the fallback from it where one was permitted. It
// turns at most twice: to pod identity, and at the deadline back for good.
type route struct {
	main     *provider
	fallback *provider // nil: never
	rules    Fallback

	mu        sync.Mutex
	state     fallbackState
	succeeded bool      // the main path has had a token
	refused   time.Time // first answer that means "not federated"
	turned    time.Time
	reason    string
}

type fallbackState string

const (
	fallbackOff     fallbackState = "off"
	fallbackAllowed fallbackState = "allowed"
	fallbackActive  fallbackState = "active"
	fallbackEnded   fallbackState = "ended"
)

// detour is how long the main path may be tried before a fallback, whose window is a
// new one.
func (r *route) detour() time.Duration {
	if r.fallback == nil {
		return 0
	}
	return max(0, r.rules.After) + 2*patientMost
}

// current returns the provider to ask now, and whether this call ended the fallback.
func (r *route) current(now time.Time) (p *provider, ended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if (r.state == fallbackActive || r.state == fallbackAllowed) && !now.Before(r.rules.Until) {
		ended = r.state == fallbackActive
		r.state = fallbackEnded
	}
	if r.state == fallbackActive {
		return r.fallback, ended
	}
	return r.main, ended
}

// success notes that p has had a token, and reports whether that ended the fallback:
// a late answer may show that workload identity works after all.
func (r *route) success(p *provider) (ended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p != r.main {
		return false
	}
	r.succeeded = true
	ended = r.state == fallbackActive
	if ended || r.state == fallbackAllowed {
		r.state = fallbackEnded
	}
	return ended
}

// failure notes a failure of p and reports whether it starts the fallback.
func (r *route) failure(p *provider, d Decision, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p != r.main || !d.NotFederated || r.state != fallbackAllowed || r.succeeded {
		return false
	}
	if r.refused.IsZero() {
		r.refused = now
	}
	if now.Sub(r.refused) < r.rules.After || !now.Before(r.rules.Until) {
		return false
	}
	r.state, r.turned, r.reason = fallbackActive, now, d.Meaning
	return true
}
