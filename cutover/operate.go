package cutover

import (
	"context"
	"fmt"
)

// Rollback puts back, unit by unit and in reverse order of the acts, whatever is still ours; all units of the plan when none are named.
// Federated credentials stay: they harm nobody. It also marks the units as looked at, so that the fleet is no longer frozen for them.
// Run it again to go on after a crash. Units wait for one another as [Options.BackAtOnce] says, so that the fleet is not restarted all at once.
//
// Of a unit that the journal has no record of, it puts back what breadcrumbs on the unit's objects tell of, and nothing else; one without any
// stays as it is. Where such a unit was finished, so that its breadcrumbs are gone as well, nobody knows what to put back, and the error joins
// an [*UnitError] with ErrNoRecord. Of a unit that an older plan has left failed it does no more than that mark.
func (r *Runner) Rollback(ctx context.Context, p *Plan, units ...string) (*Report, error) {
	return r.forUnits(ctx, p, units, errand{past: r.clearPast, looked: true, lost: lostRollback, do: func(ctx context.Context, u *unitRun) error {
		if u.rec.State == Done || u.rec.State == RolledBack && u.rec.Failed { // nobody's, until now
			if err := u.take(ctx); err != nil {
				return err
			}
		}
		u.rec.Failed, u.rec.Cleared = false, u.rec.Epoch
		if u.rec.State == RolledBack || len(u.rec.Acts) == 0 && u.rec.State == Planned {
			return u.save(ctx)
		}
		return u.rollback(ctx, "asked for")
	}})
}

// lostRollback prepares the rollback of a unit without a record; false where there is nothing to put back.
func lostRollback(ctx context.Context, u *unitRun) (bool, error) {
	if len(u.rec.Acts) == 0 {
		return false, u.unexplained(ctx)
	}
	return true, u.rememberDeletions(ctx)
}

// Abort stops units that another process may be moving: it fences that process off, restores induced load and leaves the units Held.
// To stop a Run of this process, end its context.
func (r *Runner) Abort(ctx context.Context, p *Plan, units ...string) (*Report, error) {
	lost := func(_ context.Context, u *unitRun) (bool, error) { return len(u.rec.Acts) > 0, nil }
	return r.forUnits(ctx, p, units, errand{past: leavePast, lost: lost, do: func(ctx context.Context, u *unitRun) error {
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
	}})
}

// Thaw lets units that were frozen or rolled back be tried again, from what is observed. It writes to the journal only. A unit that an
// older plan has left failed, and over, freezes the fleet no longer.
func (r *Runner) Thaw(ctx context.Context, p *Plan, units ...string) (*Report, error) {
	const goOn = "thawed; run again to go on"
	return r.forUnits(ctx, p, units, errand{past: r.clearPast, looked: true, do: func(ctx context.Context, u *unitRun) error {
		switch u.rec.State {
		case Frozen:
		case RolledBack:
			if err := u.take(ctx); err != nil {
				return err
			}
			u.rec.Acts, u.rec.Next, u.rec.Ran = nil, 0, nil
		default:
			if u.rec.Failed { // on its way back, which it must come to the end of first
				return nil
			}
			u.rec.Cleared = u.rec.Epoch
			if len(u.rec.Acts) > 0 && u.rec.State != Done && u.rec.State != RollingBack {
				return u.setState(ctx, Held, HoldAbort, goOn) // it was, or its run was killed
			}
			return u.save(ctx)
		}
		u.rec.Failed, u.rec.Cleared = false, u.rec.Epoch
		for i := range u.rec.Acts {
			a := &u.rec.Acts[i]
			if a.Phase == Undoing || a.Phase == Undone {
				u.rec.Next, u.rec.Soaked, u.rec.Ran, u.rec.Reached = 0, 0, nil, Planned // a rollback had begun: every step is looked at again
			}
			a.Undone = 0
		}
		return u.setState(ctx, Held, HoldAbort, goOn)
	}})
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
	rec.Cleared = rec.Epoch
	return repeat(ctx, func() error { return r.journal.Save(ctx, rec) })
}

func leavePast(context.Context, *Record) error { return nil }

// over reports whether an older plan has no say any more in what a record tells of.
func over(rec *Record) bool { return rec.State == Done || rec.State == RolledBack }

func errPast(rec *Record) error {
	return fmt.Errorf("%w: the journal holds the unit in state %s by plan %.12s; finish that or roll it back first", ErrPlanChanged, rec.State, rec.Plan)
}
