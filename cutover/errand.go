package cutover

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// errand is what one call does to units.
type errand struct {
	// past is done to the record of an older plan.
	past func(ctx context.Context, rec *Record) error
	// looked says that a person has looked at the units, so that no failure of theirs freezes the fleet any more.
	looked bool
	// lost looks at a unit without a record, as its objects show it, and says whether to do it to that; nil for never.
	lost func(ctx context.Context, u *unitRun) (bool, error)
	do   func(ctx context.Context, u *unitRun) error
}

// forUnits opens units and does an errand to each.
func (r *Runner) forUnits(ctx context.Context, p *Plan, ids []string, e errand) (*Report, error) {
	f := r.newFleetRun(p)
	if len(ids) == 0 {
		for _, u := range p.Units {
			ids = append(ids, u.ID)
		}
	}
	var mu sync.Mutex
	var done []string
	err := f.each(ids, func(id string) error {
		unit := p.Unit(id)
		if unit == nil {
			return errors.New("the plan has no such unit")
		}
		err := r.forUnit(ctx, f, p, unit, e)
		if mu.Lock(); err == nil && e.looked {
			done = append(done, id)
		}
		mu.Unlock()
		return err
	})
	ctx = context.WithoutCancel(ctx)
	k, readErr := r.records(ctx, p)
	if readErr != nil {
		return r.emptyReport(p), errors.Join(err, readErr)
	}
	r.dropNotes(ctx, k, slices.DeleteFunc(done, func(id string) bool { return !k.letGo(id, p) }))
	rep, _ := r.reportOf(k, p)
	f.tellUnreached(rep)
	return rep, errors.Join(append(k.errs, err)...)
}

// letGo reports whether nothing in a unit's own record freezes the fleet any more, now that a person has looked. One that cannot be read may.
func (k *known) letGo(id string, p *Plan) bool {
	rec := k.recs[id]
	if rec == nil {
		return k.unreadable[id] == nil
	}
	return !rec.Failed && (rec.Plan == p.Digest || over(rec))
}

func (r *Runner) forUnit(ctx context.Context, f *fleetRun, p *Plan, unit *Unit, e errand) error {
	rec, err := r.load(ctx, unit)
	switch {
	case err != nil:
		return err
	case rec == nil:
		return r.forLost(ctx, f, p, unit, e)
	case rec.Plan != p.Digest:
		return e.past(ctx, rec)
	}
	u, err := r.openUnit(ctx, f, p, unit, rec)
	defer u.withdraw()
	if err != nil {
		return err
	}
	return e.do(ctx, u)
}

// forLost does an errand to a unit that the journal has no record of.
func (r *Runner) forLost(ctx context.Context, f *fleetRun, p *Plan, unit *Unit, e errand) error {
	if e.lost == nil {
		return nil
	}
	u, err := r.observed(ctx, f, p, unit)
	if away, ok := errors.AsType[*stop](err); ok {
		f.unreached(unit, away.reason)
	}
	if err != nil {
		return err
	}
	if ours, err := e.lost(ctx, u); err != nil || !ours {
		return err
	}
	defer u.withdraw()
	if err := u.take(ctx); err != nil {
		return err
	}
	return e.do(ctx, u)
}
