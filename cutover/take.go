package cutover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/podidentity"
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
	cluster := r.clusters[unit.Cluster]
	if cluster == nil {
		return nil, fmt.Errorf("the runner has no cluster %q", unit.Cluster)
	}
	u := &unitRun{r: r, fleet: f, plan: p, unit: unit, cluster: cluster}
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
	rec.Fencing = rec.Fencing || overtakes(rec, r.opts.Actor)
	rec.Epoch++
	rec.Actor = r.opts.Actor
	if err := u.save(ctx); err != nil || !rec.Fencing {
		return u, err
	}
	return u, u.fence(ctx)
}

func (u *unitRun) newRecord() *Record {
	return &Record{
		Schema: Schema, Lineage: u.plan.Lineage, Plan: u.plan.Digest, Key: Key{Cluster: u.unit.Cluster, Unit: u.unit.ID},
		Namespace: u.unit.Namespace, State: Planned, Reached: Planned,
	}
}

// fresh makes sure, before anything is written, that the world is the one the plan was made for.
func (u *unitRun) fresh(ctx context.Context) error {
	if c := u.plan.Cluster(u.unit.Cluster); c != nil && c.UID != "" {
		live, err := get(ctx, u.cluster, Ref{APIVersion: "v1", Kind: "Namespace", Name: "kube-system"})
		if err != nil {
			return err
		}
		if live == nil || string(live.GetUID()) != c.UID {
			return &StaleError{Object: "cluster " + c.Name, Want: c.UID, Got: uidOf(live)}
		}
	}
	for _, ref := range u.unit.refs() {
		if ref.UID == "" {
			continue
		}
		live, err := get(ctx, u.cluster, ref)
		if err != nil {
			return err
		}
		if live == nil && (ref.APIVersion == "v1" || leftToFinish(ref.Kind)) && ref.Kind != "ServiceAccount" {
			continue // what was left to finish may have finished
		}
		// What a lost journal had deleted already is no longer there either: the deletions tell.
		if live == nil && u.deletes(ref) {
			continue
		}
		if live == nil || string(live.GetUID()) != ref.UID {
			return &StaleError{Object: ref.String() + " in " + u.unit.Namespace, Want: ref.UID, Got: uidOf(live)}
		}
		if err := u.freshTemplate(ref, live); err != nil {
			return err
		}
	}
	return nil
}

// freshTemplate compares what the plan rests on in a workload's pod template: whose service account it runs as, and the value of the old
// label. A label that is gone is no reason: the unit may have removed it before its journal was lost, and the edit itself looks.
func (u *unitRun) freshTemplate(ref Ref, live *unstructured.Unstructured) error {
	for _, w := range u.unit.Workloads {
		if !w.Same(ref) || w.Template == nil {
			continue
		}
		if _, there := lookup(live.Object, slices.Concat(w.Template, []string{"spec"})); !there {
			continue
		}
		name := cmp.Or(text(live.Object, slices.Concat(w.Template, []string{"spec", "serviceAccountName"})...), "default")
		if name != w.ServiceAccount {
			return &StaleError{Object: "the service account of " + ref.String() + " in " + u.unit.Namespace, Want: w.ServiceAccount, Got: name}
		}
		label, _ := lookup(live.Object, slices.Concat(w.Template, []string{"metadata", "labels", podidentity.Label}))
		if value, ok := label.(string); ok && value != w.Selector {
			return &StaleError{Object: "label " + podidentity.Label + " of " + ref.String() + " in " + u.unit.Namespace, Want: w.Selector, Got: value}
		}
	}
	return nil
}

func (u *unitRun) deletes(ref Ref) bool {
	for _, s := range u.unit.Steps {
		for _, e := range s.Edits {
			if e.Verb == Delete && e.Ref.Same(ref) {
				return true
			}
		}
	}
	return false
}

func uidOf(live *unstructured.Unstructured) string {
	if live == nil {
		return "not there"
	}
	return string(live.GetUID())
}
