package cutover

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// revisionLabels are where controllers put the hash of the template that a pod was made from.
var revisionLabels = [...]string{"pod-template-hash", "controller-revision-hash", "rollouts-pod-template-hash"}

// workloadPods are the live pods of a workload: not terminating, not finished.
type workloadPods struct {
	// current are made from the newest template, others from an older one.
	current, others []*corev1.Pod
}

// podsOf lists the pods of a workload, whoever owns them in between: ReplicaSets and Jobs, and for custom kinds whatever the owner
// references of the pods that run as its service account lead through.
func podsOf(ctx context.Context, t Target, w Workload) (workloadPods, error) {
	return podsWith(ctx, t, w, nil)
}

// podsWith lists the pod of a probe too: it is made from the newest template.
func podsWith(ctx context.Context, t Target, w Workload, probe *IdleProbe) (workloadPods, error) {
	var out workloadPods
	between, err := intermediates(ctx, t.Cluster, w)
	if err != nil {
		return out, err
	}
	items, err := t.Cluster.List(ctx, Selection{APIVersion: "v1", Kind: "Pod", Namespace: w.Namespace})
	if err != nil {
		return out, err
	}
	walk := &ownerWalk{r: t.Cluster}
	for _, item := range items {
		pod, err := toPod(item)
		if err != nil {
			return out, err
		}
		if pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
			continue
		}
		owner := metav1.GetControllerOf(pod)
		mine := owner != nil && belongs(owner, w, between)
		if owner != nil && !mine && indirect(w.Kind) && pod.Spec.ServiceAccountName == w.ServiceAccount {
			if mine, err = walk.leadsTo(ctx, owner, w); err != nil {
				return out, err
			}
		}
		switch {
		case probe.bore(pod):
			out.current = append(out.current, pod)
		case !mine:
		case isCurrent(pod, t.Revision[w.String()]):
			out.current = append(out.current, pod)
		default:
			out.others = append(out.others, pod)
		}
	}
	return out, nil
}

// isCurrent tells by the revision where the kind has one, else by the webhook's label, which the new template carries.
func isCurrent(pod *corev1.Pod, revision string) bool {
	if revision == "" {
		return pod.Labels[workloadid.UseLabel] == workloadid.UseValue
	}
	return slices.ContainsFunc(revisionLabels[:], func(l string) bool { return pod.Labels[l] == revision })
}

// intermediates are the UIDs of the ReplicaSets and Jobs that a workload controls.
func intermediates(ctx context.Context, r Reader, w Workload) (map[types.UID]bool, error) {
	out := map[types.UID]bool{}
	for _, sel := range []Selection{
		{APIVersion: "apps/v1", Kind: "ReplicaSet", Namespace: w.Namespace},
		{APIVersion: "batch/v1", Kind: "Job", Namespace: w.Namespace},
	} {
		if !hasIntermediate(w, sel.Kind) {
			continue
		}
		items, err := r.List(ctx, sel)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			if owner := metav1.GetControllerOf(item); owner != nil && isOwner(owner, w) {
				out[item.GetUID()] = true
			}
		}
	}
	return out, nil
}

func hasIntermediate(w Workload, kind string) bool {
	switch w.Kind {
	case "StatefulSet", "DaemonSet", "ReplicaSet", "Job":
		return false
	case "Deployment":
		return kind == "ReplicaSet"
	case "CronJob":
		return kind == "Job"
	}
	return true
}

func belongs(owner *metav1.OwnerReference, w Workload, between map[types.UID]bool) bool {
	return isOwner(owner, w) || between[owner.UID]
}

// isOwner reports whether the reference is to the workload, or to the Argo Rollout that runs its template.
func isOwner(owner *metav1.OwnerReference, w Workload) bool {
	if b := w.Borrower; b != nil && owner.Kind == b.Kind && owner.Name == b.Name {
		return true
	}
	return owner.Kind == w.Kind && owner.Name == w.Name && (w.UID == "" || string(owner.UID) == w.UID)
}

// toPod converts an object to a pod.
func toPod(u *unstructured.Unstructured) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	return pod, runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, pod)
}
