package cutover

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// releaseHold puts back the fields that hold a rollout, as far as they are still ours: those of a StatefulSet step by step.
func (u *unitRun) releaseHold(ctx context.Context, s *Step, e *Edit) error {
	if err := u.walkOrdinals(ctx, s, e); err != nil {
		return err
	}
	for range races(ctx) {
		held := u.act(e.Release)
		if held == nil || len(held.Hold) == 0 {
			return nil
		}
		live, err := get(ctx, u.cluster, held.Ref)
		if err != nil {
			return err
		}
		if live == nil || string(live.GetUID()) != held.Ref.UID {
			return frozen("%s is not the object that was held", held.Ref)
		}
		back := stillOurs(u.holdNow(held, live), live)
		act := u.act(e.ID)
		if len(back) == 0 {
			if act == nil || act.Phase == Committed {
				return nil
			}
			act.Phase = Committed
			return u.save(ctx)
		}
		if act == nil {
			ref := held.Ref
			u.rec.Acts = append(u.rec.Acts, Act{Edit: e.ID, Step: s.ID, Kind: ActRelease, Verb: Patch, Ref: ref, Fields: back, Phase: Intended})
			if err := u.save(ctx); err != nil {
				return err
			}
		}
		w := Write{Verb: Patch, Ref: e.Ref, ResourceVersion: live.GetResourceVersion(), Body: mustJSON(patchOps(back, live.Object))}
		w.Ref.UID = string(live.GetUID())
		if err := u.write(ctx, s, w); err != nil && !lostRace(err) {
			return u.explainWrite(e, err)
		}
	}
	return frozen("%s: lost every race for %s", e.ID, e.Ref)
}

// stillOurs returns, ready to be patched, the inverse of the fields that still hold our value and held another one before.
func stillOurs(fields []Field, live *unstructured.Unstructured) []Field {
	var out []Field
	for _, f := range fields {
		value, _ := lookup(live.Object, f.Path)
		if same(value, f.After) && !same(f.Before, f.After) {
			out = append(out, Field{Path: f.Path, Before: value, After: f.Before})
		}
	}
	return slices.Clip(out)
}
