package cutover

import (
	"context"
	"slices"
	"sync"
)

// slots lets as many units move at the same time as the plan's limits say.
//
// A unit has its slot from its first step until it has been verified under load on the new path alone, and again while it finishes; it
// keeps it between its steps and while its gates look, so that no more units are half-moved at a time than the limits say. It gives it
// back when it soaks; when its run ends, held, frozen or rolled back; and for as long as it waits, held, for something that is not the
// runner's to bring about ([Options.Patience]): a unit that is held is safe for days, and must not keep the others from theirs. What
// has given its slot back in the middle of its way gets the next one, before any unit that has not begun.
//
// Units on their way back have slots of their own, see turnBack.
type slots struct {
	limits Limits

	mu    sync.Mutex
	used  map[string]int
	queue []*slot          // in the order in which they are served
	all   map[string]*slot // by unit, taken or waited for
}

// slot is one unit's place.
type slot struct {
	keys  map[string]int // the limit of each count that it is part of
	begun bool
	taken chan struct{} // closed when it is
}

func newSlots(l Limits) *slots {
	return &slots{limits: l, used: map[string]int{}, all: map[string]*slot{}}
}

// ask puts a unit into the queue; one that is in it, or has its slot, stays as it is.
func (s *slots) ask(u *Unit, begun bool) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if has := s.all[u.ID]; has != nil {
		return has
	}
	n := &slot{keys: s.keysOf(u), begun: begun, taken: make(chan struct{})}
	at := len(s.queue)
	if begun {
		at = slices.IndexFunc(s.queue, func(q *slot) bool { return !q.begun })
		if at < 0 {
			at = len(s.queue)
		}
	}
	s.all[u.ID], s.queue = n, slices.Insert(s.queue, at, n)
	s.serve()
	return n
}

// give gives back what a unit has, or waits for; false if that is nothing.
func (s *slots) give(u *Unit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	has := s.all[u.ID]
	if has == nil {
		return false
	}
	delete(s.all, u.ID)
	if i := slices.Index(s.queue, has); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
	} else {
		for k := range has.keys {
			s.used[k]--
		}
	}
	s.serve()
	return true
}

// serve lets in who fits, in order. For one that has begun and does not fit yet, the places that come free are kept.
func (s *slots) serve() {
	kept := map[string]int{}
	s.queue = slices.DeleteFunc(s.queue, func(q *slot) bool {
		fits := true
		for k, limit := range q.keys {
			fits = fits && (limit <= 0 || s.used[k]+kept[k] < limit)
		}
		for k := range q.keys {
			switch {
			case fits:
				s.used[k]++
			case q.begun:
				kept[k]++
			}
		}
		if fits {
			close(q.taken)
		}
		return fits
	})
}

func (s *slots) keysOf(u *Unit) map[string]int {
	keys := map[string]int{"fleet": s.limits.Fleet, "cluster " + u.Cluster: s.limits.PerCluster, "region " + u.Region: s.limits.PerRegion}
	for _, a := range u.Accounts {
		keys["identity "+a.Identity.Key()] = s.limits.PerIdentity
	}
	return keys
}

// enter waits for the unit's slot, unless it has it. A fleet that freezes ends the wait.
func (u *unitRun) enter(ctx context.Context) error {
	n := u.fleet.slots.ask(u.unit, u.rec.wrote())
	select {
	case <-n.taken:
	case <-u.fleet.frozen:
	case <-ctx.Done():
		return ctx.Err()
	}
	return u.mayGoOn()
}

// mayGoOn is an error once the fleet is frozen.
func (u *unitRun) mayGoOn() error {
	if u.fleet.isFrozen() {
		return held(HoldFreeze, "another unit failed; the fleet is frozen until a person has looked")
	}
	return nil
}

// leave gives the unit's slot back; false if it has none.
func (u *unitRun) leave() bool { return u.fleet.slots.give(u.unit) }

// aside lets other units have the slot while this one waits, held, for something outside, and waits for it again afterwards.
func (u *unitRun) aside(ctx context.Context, wait func() error) error {
	again := u.enter
	if u.rec.State == RollingBack {
		again = u.turnBack
		u.fleet.back.give(u.unit)
	} else if !u.leave() {
		return wait()
	}
	if err := wait(); err != nil {
		return err
	}
	return again(ctx)
}
