package cutover

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// induce raises the scale of the workloads that natural load has not reached, once, where the plan allows it.
func (r *loadRun) induce(ctx context.Context) {
	if r.t.Induce == nil || r.induced || time.Since(r.began) < r.o.InduceAfter {
		return
	}
	allowed := r.t.Plan.Limits.InducePods
	r.notes = nil
	for _, y := range r.sight.tallies {
		missing := y.need - len(y.counted(r.nodes.known))
		if missing <= 0 || y.probe != nil {
			continue
		}
		i, why := r.induction(ctx, y, missing)
		if why == "" && i.Extra > allowed {
			why = fmt.Sprintf("%d more pods are needed, and the plan allows %d", i.Extra, allowed)
		}
		if why == "" {
			if err := r.t.Induce(ctx, i); err != nil {
				why = err.Error()
			}
		}
		if why != "" {
			r.notes = append(r.notes, Evidence{Check: "load", Object: y.w.String(), Want: "an induced scale-out", Got: "none: " + why, Result: Inconclusive})
			continue
		}
		allowed -= i.Extra
		y.induced, r.induced = true, true
	}
	if r.induced {
		r.deadline = earlier(r.deadline, time.Now().Add(r.t.Plan.Limits.InduceFor))
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// induction says what to raise for some more pods of a workload, or why nothing may be raised.
func (r *loadRun) induction(ctx context.Context, y *loadTally, extra int) (Induction, string) {
	switch {
	case y.w.Kind == "DaemonSet":
		return Induction{}, "a DaemonSet is not scaled; it waits for a new node"
	case comesByRuns(y.w.Kind):
		return Induction{}, "a " + y.w.Kind + " is not scaled; it waits for its next run"
	case y.unscaled():
		return Induction{}, "nobody knows how a " + y.w.Kind + " is scaled; it waits for its next pods"
	case y.replicas <= 0:
		return Induction{}, "it has no replicas; start it first"
	}
	to := y.replicas + int64(extra)
	hpas, err := list(ctx, r.t.Cluster, Selection{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler", Namespace: r.t.Unit.Namespace})
	if err != nil {
		return Induction{}, "its autoscalers cannot be read: " + err.Error()
	}
	for _, h := range hpas {
		if scales(h, scaledRef(y.w)) {
			return r.raiseHPA(ctx, h, to, extra)
		}
	}
	if y.w.Owner != "" && r.t.Unit.Mode != Direct && r.t.Unit.Mode != Suspend {
		return Induction{}, "its replicas belong to " + y.w.Owner + "; scale it there"
	}
	return Induction{Object: scaledRef(y.w), Path: []string{"spec", "replicas"}, To: to, Extra: extra}, ""
}

// raiseHPA raises the lower bound of an HPA, or of the ScaledObject that made it.
func (r *loadRun) raiseHPA(ctx context.Context, h *unstructured.Unstructured, to int64, extra int) (Induction, string) {
	object, lower, upper := h, "minReplicas", "maxReplicas"
	for _, o := range h.GetOwnerReferences() {
		if o.Kind != "ScaledObject" {
			continue
		}
		ref := Ref{APIVersion: o.APIVersion, Kind: o.Kind, Namespace: h.GetNamespace(), Name: o.Name}
		live, err := get(ctx, r.t.Cluster, ref)
		if err != nil || live == nil {
			return Induction{}, fmt.Sprintf("%s, which made its HPA, cannot be read: %v", ref, err)
		}
		object, lower, upper = live, "minReplicaCount", "maxReplicaCount"
	}
	ref := Ref{APIVersion: object.GetAPIVersion(), Kind: object.GetKind(), Namespace: object.GetNamespace(), Name: object.GetName(), UID: string(object.GetUID())}
	if owner := liveOwner(object); owner != "" && r.t.Unit.Mode != Suspend {
		return Induction{}, fmt.Sprintf("%s belongs to %s, which would put its bounds back; raise them there", ref, owner)
	}
	if most := number64(object.Object, "spec", upper); most > 0 && to > most {
		return Induction{}, fmt.Sprintf("%d replicas are needed, and %s of %s is %d", to, upper, ref, most)
	}
	return Induction{Object: ref, Path: []string{"spec", lower}, To: to, Extra: extra}, ""
}
