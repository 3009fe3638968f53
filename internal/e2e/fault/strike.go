package fault

import (
	"net/http"
	"time"
)

// strike is a fault on its way to one request. It counts against its rule until it turns out that it cannot happen: a body shorter than
// the cut, a watch that ended by itself.
type strike struct {
	Fault

	injector *Injector
	rule     *scripted
	event    Event
	// hit: it has happened; over: the request has ended.
	hit, over bool
}

// choose returns the strike for a request, or nil.
func (i *Injector) choose(req *http.Request) *strike {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, r := range i.rules {
		if r.Times > 0 && r.done >= r.Times || !r.matches(req) {
			continue
		}
		r.seen++
		if r.seen <= r.Skip || r.Share > 0 && i.random.Float64() >= r.Share {
			continue
		}
		r.done++
		return &strike{Fault: r.Fault, injector: i, rule: r,
			event: Event{Method: req.Method, Path: req.URL.Path, Query: req.URL.RawQuery, Fault: r.Fault}}
	}
	return nil
}

// happen logs the fault, once. It must be called before the client can notice.
func (s *strike) happen() {
	s.injector.mu.Lock()
	defer s.injector.mu.Unlock()
	if s.hit || s.over {
		return
	}
	s.hit = true
	s.event.At = time.Now()
	s.injector.log = append(s.injector.log, s.event)
}

// end gives a strike that did not happen back to its rule.
func (s *strike) end() {
	s.injector.mu.Lock()
	defer s.injector.mu.Unlock()
	s.over = true
	if !s.hit {
		s.rule.done--
	}
}
