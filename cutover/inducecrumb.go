package cutover

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// InduceAnnotation is the breadcrumb on an autoscaler or workload whose number is raised for load: what to put back, should the journal
// be lost meanwhile.
const InduceAnnotation = "wimigrate.github.io/induced"

// induceCrumb is the breadcrumb of an induction, as a change of its object; none on a scale subresource, which has no annotations of its own.
func (u *unitRun) induceCrumb(a *Act, live *unstructured.Unstructured) []Field {
	if a.Subresource != "" {
		return nil
	}
	text := compact(Crumb{Lineage: u.plan.Lineage, Unit: u.unit.ID, Edit: a.Edit, Fields: a.Fields})
	return beforeImages([]Field{{Path: annotation(InduceAnnotation), After: text}}, live)
}

// withoutCrumb adds the removal of the breadcrumb to what puts an induction back.
func withoutCrumb(back []Field, a *Act, live *unstructured.Unstructured) []Field {
	if value, there := live.GetAnnotations()[InduceAnnotation]; there && a.Subresource == "" {
		back = append(back, Field{Path: annotation(InduceAnnotation), Before: value})
	}
	return back
}

// findInduced remembers again, for a unit without a record, what an earlier run of it had raised and not put back.
func (u *unitRun) findInduced(ctx context.Context) error {
	if u.plan.Limits.InducePods <= 0 {
		return nil
	}
	for _, sel := range []Selection{
		{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler", Namespace: u.unit.Namespace},
		{APIVersion: "keda.sh/v1alpha1", Kind: "ScaledObject", Namespace: u.unit.Namespace},
	} {
		objs, err := list(ctx, u.cluster, sel)
		if apierrors.IsNotFound(err) {
			continue // the cluster has no KEDA
		}
		if err != nil {
			return fmt.Errorf("look for induced load: %w", err)
		}
		for _, o := range objs {
			u.remindInduced(o)
		}
	}
	for _, w := range u.unit.Workloads {
		o, err := get(ctx, u.cluster, scaledRef(w))
		if err != nil {
			return fmt.Errorf("look for induced load: %w", err)
		}
		if o != nil {
			u.remindInduced(o)
		}
	}
	return nil
}

func (u *unitRun) remindInduced(o *unstructured.Unstructured) {
	var c Crumb
	if json.Unmarshal([]byte(o.GetAnnotations()[InduceAnnotation]), &c) != nil || c.Lineage != u.plan.Lineage || c.Unit != u.unit.ID || len(c.Fields) == 0 {
		return
	}
	ref := Ref{APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName(), UID: string(o.GetUID())}
	a := Act{Edit: c.Edit, Step: "rebuilt", Kind: ActInduce, Verb: Patch, Ref: ref, Phase: Committed, Fields: c.Fields}
	now, most := number64(o.Object, a.Fields[0].Path...), a.Fields[0].After
	if n, ok := normal(most).(float64); ok && float64(now) < n {
		a.Fields[0].After = now // it was on its way down
	}
	u.rec.Acts, u.rec.Rebuilt = append(u.rec.Acts, a), true
}
