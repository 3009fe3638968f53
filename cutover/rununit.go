package cutover

import (
	"context"
	"errors"
	"fmt"
)

// takeUnit opens a unit; nil where the fleet is frozen, but for one that is on its way back or has left load raised.
func (r *Runner) takeUnit(ctx context.Context, f *fleetRun, p *Plan, unit *Unit) (*unitRun, error) {
	rec, err := r.load(ctx, unit)
	if err != nil || f.isFrozen() && (rec == nil || rec.State != RollingBack && !rec.raised()) {
		return nil, err
	}
	return r.openUnit(ctx, f, p, unit, rec)
}

// runUnit takes one unit as far as it gets.
func (r *Runner) runUnit(ctx context.Context, f *fleetRun, p *Plan, id string) error {
	return r.withUnit(ctx, f, p, id, func(u *unitRun) error { return u.goOn(ctx) })
}

// withUnit opens one unit for do, if it may be worked on.
func (r *Runner) withUnit(ctx context.Context, f *fleetRun, p *Plan, id string, do func(u *unitRun) error) error {
	unit := p.Unit(id)
	if unit == nil {
		return fmt.Errorf("%w: a wave names a unit that the plan does not hold", ErrPlanChanged)
	}
	defer f.slots.give(unit)
	u, err := r.takeUnit(ctx, f, p, unit)
	defer u.withdraw()
	if away, ok := errors.AsType[*stop](err); ok {
		f.unreached(unit, away.reason)
		return nil // held, as one that loses its cluster on its way is
	}
	if err != nil || u == nil {
		return err
	}
	return do(u)
}

// goOn goes on from where the unit is.
func (u *unitRun) goOn(ctx context.Context) error {
	switch u.rec.State {
	case Done, RolledBack:
		return nil
	case Frozen:
		return u.restoreInduced(ctx)
	case RollingBack:
		u.fleet.freeze()
		return u.rollback(ctx, u.rec.Reason)
	case Planned, Preflighted, Trusted, Annotated, Labelled, DualPath, LoadVerified, Unbound, Soaked, Held:
	}
	return u.run(ctx)
}

// tidy looks after units of waves that were not reached: what is half undone waits for no other unit, nor does load that a process which was
// killed has left raised.
func (r *Runner) tidy(ctx context.Context, f *fleetRun, p *Plan, left []Wave) error {
	if len(left) == 0 {
		return nil
	}
	k, err := r.records(context.WithoutCancel(ctx), p)
	if err != nil {
		return nil //nolint:nilerr // the report, which reads them next, tells
	}
	var open []string
	for _, w := range left {
		for _, id := range w.Units {
			if rec := k.recs[id]; rec != nil && (rec.State == RollingBack || rec.raised()) {
				open = append(open, id)
			}
		}
	}
	notYet := &stop{state: Held, hold: HoldAbort, reason: "an earlier wave is not done; run again to go on"}
	return f.each(open, func(id string) error {
		return r.withUnit(ctx, f, p, id, func(u *unitRun) error {
			switch u.rec.State {
			case RollingBack, RolledBack, Frozen, Done: // no step of theirs is left to make
				return u.goOn(ctx)
			default:
				_, err := u.settle(ctx, notYet)
				return err
			}
		})
	})
}
