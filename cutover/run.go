package cutover

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Run takes the units of a plan as far as they get, wave by wave; run it again to resume. It ends when every unit is Done, held or
// frozen, or when ctx ends, and then at a step boundary, with induced load restored.
//
// The report is never nil and always covers every unit. The error joins a [*UnitError] for every unit that could not be worked on, such
// as one that another runner holds (ErrFenced) or that the plan is stale for (ErrPlanChanged); a held or frozen unit is no error.
func (r *Runner) Run(ctx context.Context, p *Plan) (*Report, error) {
	f, err := r.begin(ctx, p)
	if err != nil {
		return r.emptyReport(p), err
	}
	var errs []error
	for i, w := range p.Waves {
		recs, started, done, err := r.waveState(ctx, p, w)
		if err != nil {
			errs = append(errs, err)
			break
		}
		if done {
			continue
		}
		if i > 0 && !started && !f.isFrozen() {
			if err := f.bake(ctx, p, w); err != nil {
				break
			}
		}
		f.tell(Event{Type: EventWave, Message: fmt.Sprintf("wave %s: %d units", w.Name, len(w.Units))})
		f.announce(p, w, recs)
		err = f.each(w.Units, func(id string) error { return r.runUnit(ctx, f, p, id) })
		errs = append(errs, err)
		if _, _, done, stateErr := r.waveState(ctx, p, w); err != nil || stateErr != nil || !done {
			errs = append(errs, stateErr)
			break
		}
	}
	rep, err := r.Status(context.WithoutCancel(ctx), p)
	return rep, errors.Join(append(errs, err)...)
}

// begin checks the plan and what the journal holds of it.
func (r *Runner) begin(ctx context.Context, p *Plan) (*fleetRun, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	f := r.newFleetRun(p)
	recs, err := r.records(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, rec := range recs {
		if rec.Failed {
			f.freeze()
		}
	}
	return f, nil
}

// records are the journal's records of the plan's units, by unit.
func (r *Runner) records(ctx context.Context, p *Plan) (map[string]*Record, error) {
	all, err := r.journal.List(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]*Record{}
	for _, rec := range all {
		if p.Unit(rec.Unit) != nil {
			out[rec.Unit] = rec
		}
	}
	return out, nil
}

// waveState reads the records, and says whether any unit of a wave was begun, and whether all are done.
func (r *Runner) waveState(ctx context.Context, p *Plan, w Wave) (recs map[string]*Record, started, done bool, err error) {
	recs, err = r.records(context.WithoutCancel(ctx), p)
	if err != nil {
		return nil, false, false, err
	}
	done = true
	for _, id := range w.Units {
		rec := recs[id]
		mine := rec != nil && rec.Plan == p.Digest
		started = started || mine
		done = done && mine && rec.State == Done
	}
	return recs, started, done, nil
}

// runUnit takes one unit as far as it gets.
func (r *Runner) runUnit(ctx context.Context, f *fleetRun, p *Plan, id string) error {
	unit := p.Unit(id)
	if unit == nil {
		return fmt.Errorf("%w: a wave names a unit that the plan does not hold", ErrPlanChanged)
	}
	defer f.slots.give(unit)
	if f.isFrozen() {
		if recs, err := r.records(ctx, p); err != nil || recs[id] == nil || recs[id].State != RollingBack {
			return err
		}
	}
	u, err := r.openUnit(ctx, f, p, unit)
	if err != nil {
		return err
	}
	switch u.rec.State {
	case Done, RolledBack, Frozen:
		return nil
	case RollingBack:
		f.freeze()
		return u.rollback(ctx, u.rec.Reason)
	case Planned, Preflighted, Trusted, Annotated, Labelled, DualPath, LoadVerified, Unbound, Soaked, Held:
	}
	return u.run(ctx)
}

// Rollback puts back, unit by unit and in reverse order of the acts, whatever is still ours; all units of the plan when none are named.
// Federated credentials stay: they harm nobody. It also marks the units as looked at, so that the fleet is no longer frozen for them.
// Run it again to go on after a crash.
func (r *Runner) Rollback(ctx context.Context, p *Plan, units ...string) (*Report, error) {
	return r.forUnits(ctx, p, units, func(f *fleetRun, u *unitRun) error {
		u.rec.Failed = false
		if u.rec.State == RolledBack || len(u.rec.Acts) == 0 && u.rec.State == Planned {
			return u.save(ctx)
		}
		return u.rollback(ctx, "asked for")
	})
}

// Abort stops units that another process may be moving: it fences that process off, restores induced load and leaves the units Held.
// To stop a Run of this process, end its context.
func (r *Runner) Abort(ctx context.Context, p *Plan, units ...string) (*Report, error) {
	return r.forUnits(ctx, p, units, func(f *fleetRun, u *unitRun) error {
		if u.rec.State == Done || u.rec.State == RolledBack || u.rec.State == Frozen {
			return nil
		}
		if err := u.restoreInduced(ctx); err != nil {
			return err
		}
		if u.rec.State == RollingBack {
			return nil
		}
		return u.setState(ctx, Held, HoldAbort, "told to stop; run again to go on")
	})
}

// Thaw lets units that were frozen or rolled back be tried again, from what is observed. It writes to the journal only.
func (r *Runner) Thaw(ctx context.Context, p *Plan, units ...string) (*Report, error) {
	return r.forUnits(ctx, p, units, func(f *fleetRun, u *unitRun) error {
		switch u.rec.State {
		case Frozen:
		case RolledBack:
			u.rec.Acts, u.rec.Next, u.rec.Ran = nil, 0, nil
		default:
			return nil
		}
		u.rec.Failed = false
		for i := range u.rec.Acts {
			a := &u.rec.Acts[i]
			if a.Phase == Undoing || a.Phase == Undone {
				u.rec.Next, u.rec.Soaked, u.rec.Ran, u.rec.Reached = 0, 0, nil, Planned // a rollback had begun: every step is looked at again
			}
			a.Undone = 0
		}
		return u.setState(ctx, Held, HoldAbort, "thawed; run again to go on")
	})
}

// forUnits opens the units that the journal knows and does something to each.
func (r *Runner) forUnits(ctx context.Context, p *Plan, ids []string, do func(f *fleetRun, u *unitRun) error) (*Report, error) {
	f := r.newFleetRun(p)
	recs, err := r.records(ctx, p)
	if err != nil {
		return r.emptyReport(p), err
	}
	if len(ids) == 0 {
		for _, u := range p.Units {
			ids = append(ids, u.ID)
		}
	}
	known := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return recs[id] == nil || recs[id].Plan != p.Digest })
	err = f.each(known, func(id string) error {
		u, err := r.openUnit(ctx, f, p, p.Unit(id))
		if err != nil {
			return err
		}
		return do(f, u)
	})
	for _, id := range ids {
		if p.Unit(id) == nil {
			err = errors.Join(err, &UnitError{Unit: id, Err: errors.New("the plan has no such unit")})
		}
	}
	rep, statusErr := r.Status(context.WithoutCancel(ctx), p)
	return rep, errors.Join(err, statusErr)
}
