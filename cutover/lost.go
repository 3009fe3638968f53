package cutover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// looksPerCluster is how many units without a record are looked at in one cluster at a time: few, so that they are no burden to those that
// are on their way back meanwhile.
const looksPerCluster = 2

// looks bounds how many units are looked at at a time, by cluster.
type looks map[string]*look

// look is a cluster's. One that has not answered is not asked again for the other units of the same call, each of which would wait as long.
type look struct {
	places chan struct{}
	mu     sync.Mutex
	away   error
}

func newLooks(p *Plan) looks {
	out := looks{}
	for _, u := range p.Units {
		if out[u.Cluster] == nil {
			out[u.Cluster] = &look{places: make(chan struct{}, looksPerCluster)}
		}
	}
	return out
}

// do looks when there is a place.
func (l looks) do(ctx context.Context, cluster string, fn func() error) error {
	c := l[cluster]
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-ctx.Done():
		return ctx.Err()
	}
	c.mu.Lock()
	away := c.away
	c.mu.Unlock()
	if away != nil {
		return away
	}
	err := fn()
	if s, ok := errors.AsType[*stop](err); ok && s.hold == HoldUnreachable {
		c.mu.Lock()
		c.away = err
		c.mu.Unlock()
	}
	return err
}

// observed is a unit without a record as its objects show it: with the acts that breadcrumbs tell of. Nothing is written.
func (r *Runner) observed(ctx context.Context, f *fleetRun, p *Plan, unit *Unit) (*unitRun, error) {
	u, err := r.newUnitRun(f, p, unit)
	if err != nil {
		return nil, err
	}
	u.rec = u.newRecord()
	return u, f.looks.do(ctx, unit.Cluster, func() error {
		if err := u.sameCluster(ctx); err != nil {
			return err
		}
		return u.rebuild(ctx)
	})
}

// rememberDeletions remembers, for a rollback without a record, that what the unit deletes in the end is not there any more. What it was is
// lost, so the rollback begins with a person who makes it again: without it, the old path would serve nobody.
func (u *unitRun) rememberDeletions(ctx context.Context) error {
	for i := range u.unit.Steps {
		s := &u.unit.Steps[i]
		for j := range s.Edits {
			e := &s.Edits[j]
			if e.Verb != Delete {
				continue
			}
			live, err := get(ctx, u.cluster, e.Ref)
			if err != nil {
				return err
			}
			if live == nil {
				u.rec.Acts = append(u.rec.Acts, Act{Edit: e.ID, Step: s.ID, Kind: ActEdit, Verb: Delete, Ref: e.Ref, Phase: Committed})
			}
		}
	}
	return nil
}

// unexplained is an error where a pod template has what the unit would have put there, and no breadcrumb: then the unit was finished, or its
// change is a commit, and only the lost record could tell. Nothing can be put back that is known to be the unit's own.
func (u *unitRun) unexplained(ctx context.Context) error {
	for i := range u.unit.Steps {
		for j := range u.unit.Steps[i].Edits {
			e := &u.unit.Steps[i].Edits[j]
			if e.Verb == Delete || !addsLabel(e.Fields) {
				continue
			}
			live, err := get(ctx, u.cluster, e.Ref)
			if err != nil {
				return err
			}
			if live == nil || decide(e, nil, live).standing != standDone {
				continue
			}
			path := e.Fields[slices.IndexFunc(e.Fields, isNewLabel)].Path
			by := owners(live, path)
			if e.Git || slices.Contains(by, Manager) {
				return fmt.Errorf("%w, and %s carries %s (by %s) without a breadcrumb: the unit was finished, or its change is a commit, or it was so before. "+
					"Nothing was put back, for what was deleted and what it was are not known any more: put back a copy of the journal, or revert by hand",
					ErrNoRecord, e.Ref, workloadid.UseLabel, strings.Join(by, ", "))
			}
		}
	}
	return nil
}

// isNewLabel reports whether a field gives pods the new path.
func isNewLabel(f Field) bool {
	return len(f.Path) > 0 && f.Path[len(f.Path)-1] == workloadid.UseLabel && f.After != nil
}

func addsLabel(fields []Field) bool { return slices.ContainsFunc(fields, isNewLabel) }

// findProbes remembers again, for a unit without a record, the Jobs that an earlier run of it has started for its gates.
func (u *unitRun) findProbes(ctx context.Context) error {
	if !slices.ContainsFunc(u.unit.Workloads, func(w Workload) bool { return w.Probe }) {
		return nil
	}
	jobs, err := list(ctx, u.cluster, Selection{APIVersion: "batch/v1", Kind: "Job", Namespace: u.unit.Namespace})
	if err != nil {
		return fmt.Errorf("look for probes: %w", err)
	}
	for _, job := range jobs {
		for _, c := range readCrumbs(job, u.plan.Lineage, u.unit.ID) {
			a := Act{Edit: c.Edit, Step: "rebuilt", Kind: ActProbe, Verb: Create, Ref: refOf(job), Phase: Committed}
			for _, o := range job.GetOwnerReferences() {
				a.Note = o.Kind + "/" + o.Name
			}
			u.rec.Acts, u.rec.Rebuilt = append(u.rec.Acts, a), true
		}
	}
	return nil
}

// lookAt fills a report with what the objects of a unit without a record show.
func (r *Runner) lookAt(ctx context.Context, f *fleetRun, p *Plan, rep *UnitReport) {
	unit := p.Unit(rep.ID)
	if r.clusters[unit.Cluster] == nil {
		return
	}
	u, err := r.observed(ctx, f, p, unit)
	var stale *StaleError
	switch {
	case errors.As(err, &stale):
		rep.Reason = err.Error()
	case err != nil:
		rep.unreached(err.Error())
	case len(u.rec.Acts) > 0:
		failed := rep.Failed
		rep.fill(u.rec)
		rep.Failed = failed
		rep.Reason = "the journal has no record of the unit: breadcrumbs on its objects say that it has come so far; run again to go on, or roll back"
	}
}
