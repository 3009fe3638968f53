package cutover

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// walkOrdinals takes the partition that held a StatefulSet's canary down, OrdinalStep ordinals at a time, and lets go of the last of them
// to the caller. After each step the ordinals that have lost the old label must be Ready and pass the gate; while they do not, the
// others keep it. It goes on from wherever the partition is.
func (u *unitRun) walkOrdinals(ctx context.Context, s *Step, e *Edit) error {
	if e.Ref.Kind != "StatefulSet" || u.plan.Limits.OrdinalStep <= 0 {
		return nil
	}
	judged := int64(-1)
	for lost := 0; lost < conflicts; {
		held := u.act(e.Release)
		live, err := get(ctx, u.cluster, e.Ref)
		if err != nil || held == nil || live == nil || string(live.GetUID()) != held.Ref.UID {
			return err // the caller looks too, and says what it makes of it
		}
		hold := stillOurs(u.holdNow(held, live), live)
		if len(hold) == 0 {
			return nil
		}
		now := number64(live.Object, partitionPath...)
		if u.act(e.ID) != nil && judged != now {
			if err := u.judgeOrdinals(ctx, s, live); err != nil {
				return err
			}
			judged = now
			continue // that took its time: look again
		}
		next := now - int64(u.plan.Limits.OrdinalStep)
		if first, _ := normal(hold[0].After).(float64); next <= int64(first) {
			return nil
		}
		switch err := u.lowerPartition(ctx, s, e, live, now, next); {
		case lostRace(err):
			lost++
		case err != nil:
			return u.explainWrite(e, err)
		default:
			lost = 0
		}
	}
	return frozen("%s: lost every race for %s", e.ID, e.Ref)
}

var partitionPath = []string{"spec", "updateStrategy", "rollingUpdate", "partition"}

// judgeOrdinals waits for the ordinals at and above the partition, and asks the gate about them.
func (u *unitRun) judgeOrdinals(ctx context.Context, s *Step, live *unstructured.Unstructured) error {
	u.released = int(desired(live) - number64(live.Object, partitionPath...))
	if u.released <= 0 {
		return nil // it was scaled in below the partition: there is nothing new to look at
	}
	if err := u.waitRollout(ctx, s, func(w *unstructured.Unstructured, o []*unstructured.Unstructured) Progress {
		return canaryReady(w, o, u.released)
	}); err != nil {
		return err
	}
	gate := u.r.gates.Ordinals
	if gate == nil {
		gate = u.r.gates.Canary
	}
	return u.pass(ctx, s, gate)
}

// lowerPartition makes one step. The journal knows both values before the write, and the breadcrumb changes with it.
func (u *unitRun) lowerPartition(ctx context.Context, s *Step, e *Edit, live *unstructured.Unstructured, now, next int64) error {
	if u.act(e.ID) == nil {
		u.rec.Acts = append(u.rec.Acts, Act{Edit: e.ID, Step: s.ID, Kind: ActRelease, Verb: Patch, Ref: u.act(e.Release).Ref})
	}
	step := Field{Path: partitionPath, Before: now, After: next}
	act, held := u.act(e.ID), u.act(e.Release)
	act.Phase, act.Fields = Intended, []Field{step}
	if err := u.save(ctx); err != nil {
		return err
	}
	hold := slices.Clone(held.Hold)
	for i := range hold {
		if pointer(hold[i].Path) == pointer(partitionPath) {
			hold[i].After = next
		}
	}
	crumb := Field{Path: annotation(UnbindAnnotation), After: compact(Crumb{
		Lineage: u.plan.Lineage, Unit: u.unit.ID, Edit: e.Release, Fields: held.Fields, Hold: hold,
	})}
	fields := append([]Field{step}, beforeImages([]Field{crumb}, live)...)
	return u.write(ctx, s, Write{Verb: Patch, Ref: held.Ref, ResourceVersion: live.GetResourceVersion(), Body: mustJSON(patchOps(fields, live.Object))})
}

// holdNow are the fields that hold the rollout of an act, with the values that a walk of ours has given them since: of its last step the
// value before or the one after, for nobody knows whether that was made.
func (u *unitRun) holdNow(a *Act, live *unstructured.Unstructured) []Field {
	out := slices.Clone(a.Hold)
	for i := range out {
		value, _ := lookup(live.Object, out[i].Path)
		for _, b := range u.rec.Acts {
			if b.Kind == ActRelease && b.Ref.Same(a.Ref) && slices.ContainsFunc(b.Fields, func(f Field) bool {
				return pointer(f.Path) == pointer(out[i].Path) && (same(value, f.Before) || same(value, f.After))
			}) {
				out[i].After = value
			}
		}
	}
	return out
}
