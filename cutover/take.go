package cutover

import (
	"context"
	"errors"
	"fmt"
)

// load reads the record of a unit; nil where the journal has none.
func (r *Runner) load(ctx context.Context, u *Unit) (*Record, error) {
	rec, err := r.journal.Load(ctx, Key{Cluster: u.Cluster, Unit: u.ID})
	if errors.Is(err, ErrNoRecord) {
		return nil, nil
	}
	return rec, err
}

// openUnit takes a unit with the record that was loaded (nil: it begins one), and raises its epoch, which fences off whoever held it before.
func (r *Runner) openUnit(ctx context.Context, f *fleetRun, p *Plan, unit *Unit, rec *Record) (*unitRun, error) {
	u, err := r.newUnitRun(f, p, unit)
	if err != nil {
		return nil, err
	}
	none := rec == nil
	switch {
	case none:
		rec = u.newRecord()
	case rec.Plan != p.Digest && !over(rec):
		return nil, errPast(rec)
	case rec.Plan != p.Digest:
		version, epoch := rec.Version, rec.Epoch
		rec = u.newRecord()
		rec.Version, rec.Epoch = version, epoch
	}
	u.rec = rec
	if rec.State == Done || rec.State == RolledBack {
		return u, nil
	}
	if rec.State == Held {
		rec.State, rec.Hold, rec.Reason = rec.Reached, "", ""
	}
	// A unit that was rolled back and thawed begins anew too: what its rollback made again is not what was planned for.
	if len(rec.Acts) == 0 && rec.State == Planned {
		if err := u.fresh(ctx); err != nil {
			return nil, err
		}
	}
	if none {
		if err := u.rebuild(ctx); err != nil {
			return nil, err
		}
	}
	return u, u.take(ctx)
}

func (r *Runner) newUnitRun(f *fleetRun, p *Plan, unit *Unit) (*unitRun, error) {
	cluster := r.clusters[unit.Cluster]
	if cluster == nil {
		return nil, fmt.Errorf("the runner has no cluster %q", unit.Cluster)
	}
	return &unitRun{r: r, fleet: f, plan: p, unit: unit, cluster: cluster}, nil
}

// take makes the unit this runner's, and nobody else's.
func (u *unitRun) take(ctx context.Context) error {
	u.rec.Fencing = u.rec.Fencing || overtakes(u.rec, u.r.opts.Actor)
	u.rec.Epoch++
	u.rec.Actor = u.r.opts.Actor
	if err := u.save(ctx); err != nil {
		return err
	}
	u.announce(ctx)
	if !u.rec.Fencing {
		return nil
	}
	return u.fence(ctx)
}

func (u *unitRun) newRecord() *Record {
	return &Record{
		Schema: Schema, Lineage: u.plan.Lineage, Plan: u.plan.Digest, Key: Key{Cluster: u.unit.Cluster, Unit: u.unit.ID},
		Namespace: u.unit.Namespace, State: Planned, Reached: Planned,
	}
}
