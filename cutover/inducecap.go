package cutover

import (
	"cmp"
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// maxInduced is the most pods that are induced for a unit at a time, whatever its plan allows.
	maxInduced = 50
	// induceFactor is how many times its own replicas may be induced of a workload; leastLoadPods in any case, or a small one could never
	// be loaded.
	induceFactor = 2
)

// mayInduce says how many pods an induction adds, counted on what is there and not by what its gate says, or why it may not be made: with all
// that the unit has induced and not yet restored, it must keep within the caps.
func (u *unitRun) mayInduce(ctx context.Context, i Induction, live *unstructured.Unstructured, before any) (int64, error) {
	holds, ok := normal(before).(float64)
	if ok && float64(i.To) < holds {
		return 0, fmt.Errorf("%s holds %v: an induction only raises", i.Object, before)
	}
	target, err := u.scaled(ctx, live)
	if err != nil {
		return 0, err
	}
	now := int64(holds)
	if target != nil {
		now = max(now, desired(target))
	}
	extra := max(i.To-now, int64(i.Extra))
	all, same := extra, extra
	for _, a := range u.rec.Acts {
		if a.Kind != ActInduce || a.Ref.Same(i.Object) && len(stillInduced(&a, live)) == 0 {
			continue // what was not made, or is somebody else's number by now, adds nothing
		}
		if all += a.Extra; a.Ref.Same(i.Object) {
			same += a.Extra
		}
	}
	own := now - (same - extra) // without what is induced already
	most, mostOwn := int64(min(u.plan.Limits.InducePods, maxInduced)), max(induceFactor*own, leastLoadPods)
	switch {
	case extra <= 0:
		return 0, fmt.Errorf("%s to %d adds no pod", i.Object, i.To)
	case all > most:
		return 0, fmt.Errorf("%d extra pods; the plan allows %d at a time", all, most)
	case same > mostOwn:
		return 0, fmt.Errorf("%d extra pods of %d replicas; %d of them may be induced", same, own, mostOwn)
	}
	return extra, nil
}

// scaled is what an autoscaler scales, or the object itself where it has replicas; nil for neither.
func (u *unitRun) scaled(ctx context.Context, live *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	name := text(live.Object, "spec", "scaleTargetRef", "name")
	if name == "" {
		if _, ok := lookup(live.Object, []string{"spec", "replicas"}); ok {
			return live, nil
		}
		return nil, nil
	}
	ref := Ref{
		APIVersion: cmp.Or(text(live.Object, "spec", "scaleTargetRef", "apiVersion"), "apps/v1"),
		Kind:       cmp.Or(text(live.Object, "spec", "scaleTargetRef", "kind"), "Deployment"), Namespace: live.GetNamespace(), Name: name,
	}
	return get(ctx, u.cluster, ref)
}
