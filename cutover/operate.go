package cutover

import (
	"context"
	"errors"
	"fmt"
)

// Rollback puts back, unit by unit and in reverse order of the acts, whatever is still ours; all units of the plan when none are named.
// Federated credentials stay: they harm nobody. It also marks the units as looked at, so that the fleet is no longer frozen for them.
// Run it again to go on after a crash. Of a unit that an older plan has left failed it does no more than that mark.
func (r *Runner) Rollback(ctx context.Context, p *Plan, units ...string) (*Report, error) {
	return r.forUnits(ctx, p, units, r.clearPast, func(ctx context.Context, u *unitRun) error {
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
	return r.forUnits(ctx, p, units, leavePast, func(ctx context.Context, u *unitRun) error {
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

// Thaw lets units that were frozen or rolled back be tried again, from what is observed. It writes to the journal only. A unit that an
// older plan has left failed, and over, freezes the fleet no longer.
func (r *Runner) Thaw(ctx context.Context, p *Plan, units ...string) (*Report, error) {
	return r.forUnits(ctx, p, units, r.clearPast, func(ctx context.Context, u *unitRun) error {
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

// forUnits opens the units that the journal knows and does something to each; past is what it does to the record of an older plan.
func (r *Runner) forUnits(
	ctx context.Context, p *Plan, ids []string, past func(ctx context.Context, rec *Record) error, do func(ctx context.Context, u *unitRun) error,
) (*Report, error) {
	f := r.newFleetRun(p)
	if len(ids) == 0 {
		for _, u := range p.Units {
			ids = append(ids, u.ID)
		}
	}
	err := f.each(ids, func(id string) error {
		unit := p.Unit(id)
		if unit == nil {
			return errors.New("the plan has no such unit")
		}
		rec, err := r.load(ctx, unit)
		switch {
		case err != nil:
			return err
		case rec == nil:
			return nil
		case rec.Plan != p.Digest:
			return past(ctx, rec)
		}
		u, err := r.openUnit(ctx, f, p, unit, rec)
		if err != nil {
			return err
		}
		return do(ctx, u)
	})
	rep, statusErr := r.Status(context.WithoutCancel(ctx), p)
	return rep, errors.Join(err, statusErr)
}

// clearPast lets the record of an older plan freeze the fleet no longer: a person has looked. One that is not over must be brought to its
// end by its own plan.
func (r *Runner) clearPast(ctx context.Context, rec *Record) error {
	if !rec.Failed {
		return nil
	}
	if !over(rec) {
		return errPast(rec)
	}
	rec.Failed, rec.Actor = false, r.opts.Actor
	rec.Epoch++
	return repeat(ctx, func() error { return r.journal.Save(ctx, rec) })
}

func leavePast(context.Context, *Record) error { return nil }

// over reports whether an older plan has no say any more in what a record tells of.
func over(rec *Record) bool { return rec.State == Done || rec.State == RolledBack }

func errPast(rec *Record) error {
	return fmt.Errorf("%w: the journal holds the unit in state %s by plan %.12s; finish that or roll it back first", ErrPlanChanged, rec.State, rec.Plan)
}
