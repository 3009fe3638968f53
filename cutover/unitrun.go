package cutover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// unitRun is the work on one unit during one call of a Runner.
type unitRun struct {
	r       *Runner
	fleet   *fleetRun
	plan    *Plan
	unit    *Unit
	cluster Cluster
	rec     *Record
	// released is how many ordinals of the StatefulSet under release have lost the old label.
	released int
	// probes are what the gate that is asked now has started, by workload; probed counts them all.
	probes map[string]*IdleProbe
	probed int
	// quit ends what was announced; nil where nothing was.
	quit func()
	// notes are the writings of notes that are under way; they end before the unit's run does.
	notes sync.WaitGroup
}

// run takes the unit as far as it gets. The error is for what could not even be recorded; a unit that is held or frozen is no error.
func (u *unitRun) run(ctx context.Context) error {
	err := u.steps(ctx)
	if err == nil {
		return nil
	}
	back, err := u.settle(ctx, err)
	if err == nil && back != "" {
		return u.rollback(ctx, back)
	}
	return err
}

// steps runs the steps that are left.
func (u *unitRun) steps(ctx context.Context) error {
	if err := u.mayGoOn(); err != nil {
		return err // what is raised is put back at once
	}
	if err := u.lowerInduced(ctx); err != nil {
		return err
	}
	if err := u.dropRetreats(ctx); err != nil {
		return err
	}
	for u.rec.Next < len(u.unit.Steps) {
		if err := ctx.Err(); err != nil {
			return err
		}
		s := &u.unit.Steps[u.rec.Next]
		if err := u.turn(ctx, s); err != nil {
			return err
		}
		if err := u.step(ctx, s); err != nil {
			return err
		}
		if s.Kind == StepUnbound {
			u.rec.Switched = time.Now().UTC() // the last of them counts
		}
		u.rec.Next++
		state := u.unit.reached(s)
		if u.rec.Next < len(u.unit.Steps) && state == Done {
			state = Soaked // finishing takes several steps
		}
		u.rec.Reached = state
		if err := u.setState(ctx, state, "", ""); err != nil {
			return err
		}
	}
	return nil
}

// turn waits until it is the unit's turn to make a step: a soak needs none, but does not begin in a frozen fleet either.
func (u *unitRun) turn(ctx context.Context, s *Step) error {
	if s.Kind != StepSoak {
		return u.enter(ctx)
	}
	u.leave()
	return u.mayGoOn()
}

// step makes the edits, waits, and asks the gate. When somebody puts back a change meanwhile, it starts over; a second time freezes.
func (u *unitRun) step(ctx context.Context, s *Step) error {
	u.tell(Event{Type: EventStep, Step: s.ID, State: u.rec.State})
	for {
		err := u.tryStep(ctx, s)
		if !errors.Is(err, errReverted) {
			return err
		}
	}
}

func (u *unitRun) tryStep(ctx context.Context, s *Step) error {
	if s.Kind != StepFinish {
		if err := u.heal(ctx); err != nil {
			return err
		}
	}
	if s.Kind == StepFinish {
		if err := u.waitRuns(ctx); err != nil {
			return err
		}
	}
	if s.Wait == WaitJobs || s.Kind == StepFinish && s.Wait == WaitUnassigned {
		if err := u.waitJobs(ctx); err != nil {
			return err
		}
	}
	for i := range s.Edits {
		if err := u.edit(ctx, s, &s.Edits[i]); err != nil {
			return err
		}
	}
	if err := u.wait(ctx, s); err != nil {
		return err
	}
	gate := u.r.gates.For(s.Kind)
	if gate == nil || s.Kind == StepSoak {
		return nil
	}
	if s.Kind == StepPreflight {
		u.measure(ctx, s)
	}
	if err := u.pass(ctx, s, gate); err != nil {
		return err
	}
	return u.heal(ctx) // a gate may take long: what it saw must still be there
}

// heal looks at everything the unit has changed and makes again what somebody put back; the second time, it freezes.
func (u *unitRun) heal(ctx context.Context) error {
	again := map[string]bool{} // made again, with what holds their rollouts
	for i := range u.unit.Steps[:u.rec.Next] {
		s := &u.unit.Steps[i]
		for j := range s.Edits {
			e := &s.Edits[j]
			act := u.act(e.ID)
			if again[e.Release] {
				if err := u.edit(ctx, s, e); err != nil {
					return err
				}
			}
			if act == nil || act.Phase != Committed || act.Kind != ActEdit || e.Verb == Delete || u.superseded(act) {
				continue
			}
			before := act.Undone
			if err := u.edit(ctx, s, e); err != nil {
				return err
			}
			act = u.act(e.ID)
			again[e.ID] = act != nil && act.Undone > before && len(act.Hold) > 0
		}
	}
	return nil
}

// superseded reports whether a later act of ours wrote the same field of the same object.
func (u *unitRun) superseded(a *Act) bool {
	later := false
	for i := range u.rec.Acts {
		b := &u.rec.Acts[i]
		if b == a {
			later = true
			continue
		}
		if !later || !b.Ref.Same(a.Ref) || b.Phase == Undone {
			continue
		}
		for _, f := range a.Fields {
			for _, g := range b.Fields {
				if slices.Equal(f.Path, g.Path) {
					return true
				}
			}
		}
	}
	return false
}

// act returns what is remembered of an edit, or nil.
func (u *unitRun) act(id string) *Act {
	for i := range u.rec.Acts {
		if u.rec.Acts[i].Edit == id {
			return &u.rec.Acts[i]
		}
	}
	return nil
}

// save writes the record. It outlives the caller's context: what was done must be written down.
func (u *unitRun) save(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTimeout)
	defer cancel()
	u.rec.shed(roomFor)
	return repeat(ctx, func() error { return u.r.journal.Save(ctx, u.rec) })
}

func (u *unitRun) setState(ctx context.Context, s State, h Hold, reason string) error {
	news := u.rec.State != s || u.rec.Reason != reason
	u.rec.State, u.rec.Hold, u.rec.Reason = s, h, reason
	if news && s == Done {
		u.rec.Ended = time.Now().UTC()
	}
	if err := u.save(ctx); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	kind := EventState
	if s == Frozen {
		kind = EventFrozen
	}
	if news {
		u.tell(Event{Type: kind, State: s, Message: reason})
	}
	return nil
}

func (u *unitRun) tell(e Event) {
	e.Unit, e.Cluster = u.unit.ID, u.unit.Cluster
	u.fleet.tell(e)
}
