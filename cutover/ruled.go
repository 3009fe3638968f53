package cutover

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ruled reports whether an autoscaler or a GitOps tool decides about the replicas.
func (u *unitRun) ruled(ctx context.Context, live *unstructured.Unstructured) (bool, error) {
	if liveOwner(live) != "" && u.unit.Mode != Suspend {
		return true, nil
	}
	ref := Ref{Kind: live.GetKind(), Name: live.GetName()}
	hpas, err := list(ctx, u.cluster, Selection{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler", Namespace: live.GetNamespace()})
	if err != nil || slices.ContainsFunc(hpas, func(h *unstructured.Unstructured) bool { return scales(h, ref) }) {
		return true, err
	}
	scaled, err := list(ctx, u.cluster, Selection{APIVersion: "keda.sh/v1alpha1", Kind: "ScaledObject", Namespace: live.GetNamespace()})
	if apierrors.IsNotFound(err) {
		return false, nil // the cluster has no KEDA
	}
	return err != nil || slices.ContainsFunc(scaled, func(o *unstructured.Unstructured) bool {
		kind := text(o.Object, "spec", "scaleTargetRef", "kind")
		return text(o.Object, "spec", "scaleTargetRef", "name") == ref.Name && (kind == ref.Kind || kind == "" && ref.Kind == "Deployment")
	}), err
}
