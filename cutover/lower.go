package cutover

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// lowerInduced puts back every induced number that is still ours, in steps: a scale-out that ends all at once is a load of its own. It
// comes before anything else on resume, and after every gate that did not fail. When ctx ends, what is left is put back at once.
func (u *unitRun) lowerInduced(ctx context.Context) error {
	size := map[string]int64{}
	for u.r.opts.LowerSteps > 1 && ctx.Err() == nil {
		lowered := false
		for i := range u.rec.Acts {
			a := &u.rec.Acts[i]
			if a.Kind != ActInduce {
				continue
			}
			one, err := u.lowerOne(ctx, a, size)
			if err != nil {
				return err
			}
			lowered = lowered || one
		}
		if !lowered || pause.For(ctx, u.r.opts.LowerPause) != nil {
			break
		}
	}
	return u.restoreInduced(ctx)
}

// lowerOne makes one step, unless the next is the last: that one is restoreInduced's. Each step is in the journal before it is in the
// cluster, and a number that somebody else has changed meanwhile is theirs.
func (u *unitRun) lowerOne(ctx context.Context, a *Act, size map[string]int64) (bool, error) {
	live, err := get(ctx, u.cluster, a.Ref)
	if err != nil || live == nil || string(live.GetUID()) != a.Ref.UID || len(stillInduced(a, live)) == 0 {
		return false, err
	}
	path := a.Fields[0].Path
	now, floor := number64(live.Object, path...), int64(1) // what an absent number of replicas means
	if n, ok := normal(a.Fields[0].Before).(float64); ok {
		floor = int64(n)
	}
	if size[a.Edit] == 0 {
		steps := int64(u.r.opts.LowerSteps)
		size[a.Edit] = max((now-floor+steps-1)/steps, 1)
	}
	next := now - size[a.Edit]
	if next <= floor {
		return false, nil
	}
	a.Fields[0].After, a.Down = now, next
	if err := u.save(ctx); err != nil {
		return false, err
	}
	step := []Field{{Path: path, Before: now, After: next}}
	err = u.write(ctx, &Step{ID: a.Step}, Write{
		Verb: Patch, Ref: a.Ref, ResourceVersion: live.GetResourceVersion(), Body: mustJSON(patchOps(step, live.Object)),
	})
	if err != nil && !lostRace(err) {
		return false, err
	}
	return true, nil // a race that was lost is looked at again after the pause
}

// stillInduced is the inverse of an induction, if the number is still one of ours: the one that was induced, or the next on its way down. Of one
// that may not have been made the breadcrumb tells: somebody else may have had the same number in mind.
func stillInduced(a *Act, live *unstructured.Unstructured) []Field {
	if _, crumb := live.GetAnnotations()[InduceAnnotation]; a.Phase == Intended && a.Subresource == "" && !crumb {
		return nil
	}
	back := stillOurs(a.Fields, live)
	if len(back) > 0 || a.Down == nil {
		return back
	}
	down := slices.Clone(a.Fields)
	down[0].After = a.Down
	return stillOurs(down, live)
}
