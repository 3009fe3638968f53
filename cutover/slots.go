package cutover

import (
	"context"
	"sync"
)

// slots lets as many units change things at the same time as the plan's limits say. A unit that soaks holds none.
type slots struct {
	limits Limits

	mu      sync.Mutex
	used    map[string]int
	changed chan struct{}
}

func newSlots(l Limits) *slots {
	return &slots{limits: l, used: map[string]int{}, changed: make(chan struct{})}
}

// take waits for room, and returns what gives it back.
func (s *slots) take(ctx context.Context, u *unitRun, k StepKind) (func(), error) {
	if k == StepSoak {
		return func() {}, nil
	}
	keys := map[string]int{"fleet": s.limits.Fleet, "cluster " + u.unit.Cluster: s.limits.PerCluster, "region " + u.unit.Region: s.limits.PerRegion}
	for _, a := range u.unit.Accounts {
		keys["identity "+a.Identity.Key()] = s.limits.PerIdentity
	}
	for {
		ok, changed := s.try(keys)
		if ok {
			return func() { s.give(keys) }, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *slots) try(keys map[string]int) (bool, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, limit := range keys {
		if limit > 0 && s.used[k] >= limit {
			return false, s.changed
		}
	}
	for k := range keys {
		s.used[k]++
	}
	return true, nil
}

func (s *slots) give(keys map[string]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range keys {
		s.used[k]--
	}
	close(s.changed)
	s.changed = make(chan struct{})
}
