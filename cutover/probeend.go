package cutover

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// endProbes takes away what was started for gates: it comes before anything else on resume, and after every gate. A run of a CronJob
// that has not finished stays in the journal for the next time.
func (u *unitRun) endProbes(ctx context.Context) error {
	changed := false
	for i := range u.rec.Acts {
		a := &u.rec.Acts[i]
		if a.Kind != ActProbe {
			continue
		}
		ended, err := u.endProbe(ctx, a)
		if err != nil {
			return fmt.Errorf("end the probe by %s: %w", a.Ref, err)
		}
		if ended {
			a.Phase, changed = Undone, true
		}
	}
	if !changed {
		return nil
	}
	u.rec.Acts = slices.DeleteFunc(slices.Clone(u.rec.Acts), func(a Act) bool { return a.Kind == ActProbe && a.Phase == Undone })
	return u.save(ctx)
}

// endProbe scales back to zero, or deletes the Job; false while the run of a CronJob is under way.
func (u *unitRun) endProbe(ctx context.Context, a *Act) (bool, error) {
	if a.Verb == Patch {
		return true, u.restoreOne(ctx, a)
	}
	var lost error
	for range races(ctx) {
		live, err := get(ctx, u.cluster, a.Ref)
		switch {
		case err != nil:
			return false, err
		case live == nil || !u.isOurs(a, live):
			return true, nil
		}
		if live.GetAnnotations()[instantiated] != "" {
			if !ended(live) {
				return false, nil
			}
			if _, own := lookup(live.Object, []string{"spec", "ttlSecondsAfterFinished"}); own {
				return true, nil
			}
		}
		ref := refOf(live)
		if lost = u.write(ctx, &Step{ID: a.Step}, Write{Verb: Delete, Ref: ref}); lost != nil && !lostRace(lost) {
			return false, lost
		}
	}
	return false, lost
}

// waitRuns waits for the one-off runs that were left to finish, so that nothing of ours is left when the unit is Done.
func (u *unitRun) waitRuns(ctx context.Context) error {
	for {
		if err := u.restoreInduced(ctx); err != nil {
			return err
		}
		i := slices.IndexFunc(u.rec.Acts, func(a Act) bool { return a.Kind == ActProbe })
		if i < 0 {
			return nil
		}
		job := u.rec.Acts[i].Ref
		sels := []Selection{{APIVersion: job.APIVersion, Kind: job.Kind, Namespace: job.Namespace, Name: job.Name}}
		if err := u.patient(ctx, sels, HoldJob, job.String()+", which a gate has started, has not finished", func(objs []*unstructured.Unstructured) (bool, error) {
			live := find(objs, job)
			return live == nil || ended(live), nil
		}); err != nil {
			return err
		}
	}
}

// isOurs tells by the UID, or, where a crash has kept it from us, by the breadcrumb.
func (u *unitRun) isOurs(a *Act, live *unstructured.Unstructured) bool {
	if a.Ref.UID != "" {
		return a.Ref.UID == string(live.GetUID())
	}
	return slices.ContainsFunc(readCrumbs(live, u.plan.Lineage, u.unit.ID), func(c Crumb) bool { return c.Edit == a.Edit })
}

// tellProbes puts into a verdict what was started for it, whatever the gate says of it: what rests on a probe is to be seen as such.
func (u *unitRun) tellProbes(v Verdict) Verdict {
	for _, w := range slices.Backward(slices.Sorted(maps.Keys(u.probes))) {
		p := u.probes[w]
		by := "by scaling it to one"
		if p.Job != nil {
			by = "by " + p.Job.String()
		}
		e := Evidence{Check: "load", Object: w, Got: fmt.Sprintf("rung: %s (%s), which the plan approves; not verified under load", p.Rung, by), Result: Pass}
		v.Evidence = slices.Insert(slices.Clip(v.Evidence), 0, e)
		if v.Result == Pass && v.Reason == "" {
			v.Reason = w + " was verified by a " + p.Rung + " alone, not under load"
		}
	}
	return v
}
