package cutover

import (
	"context"
	"errors"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// evict asks for the eviction of one pod, where the user allows that, or for the canary of a DaemonSet, whose rolling update would delete
// the pod itself. The act is remembered once per workload: evictions cannot be undone.
func (u *unitRun) evict(ctx context.Context, s *Step, ref Ref, p Progress) error {
	if act := u.heldAct(s); !u.r.opts.Evict && !(s.Kind == StepCanary && act != nil && holdsByEviction(act.Hold)) {
		return held(HoldEviction, "%s: %s; allow evictions, or delete the pods one by one", ref, p.Reason)
	}
	id := "evict/" + s.ID
	if u.act(id) == nil {
		u.rec.Acts = append(u.rec.Acts, Act{Edit: id, Step: s.ID, Kind: ActEvict, Verb: Evict, Ref: ref, Phase: Intended})
		if err := u.save(ctx); err != nil {
			return err
		}
	}
	pod := Ref{APIVersion: "v1", Kind: "Pod", Namespace: ref.Namespace, Name: p.Evict}
	live, err := get(ctx, u.cluster, pod)
	if err != nil || live == nil || live.GetDeletionTimestamp() != nil {
		return err
	}
	pod.UID = string(live.GetUID())
	err = u.write(ctx, s, Write{Verb: Evict, Ref: pod})
	switch {
	case apierrors.IsTooManyRequests(err):
		return u.waitBudget(ctx, pod)
	case err == nil || lostRace(err):
		return u.waitPodGone(ctx, pod)
	}
	return err
}

// waitBudget waits until the pod may be evicted after all: the budgets that select it allow a disruption, or it went by itself.
func (u *unitRun) waitBudget(ctx context.Context, pod Ref) error {
	sels := []Selection{
		{APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name},
		{APIVersion: "policy/v1", Kind: "PodDisruptionBudget", Namespace: pod.Namespace},
	}
	return u.patient(ctx, sels, HoldEviction, "a PodDisruptionBudget refuses the eviction of pod "+pod.Name,
		func(objs []*unstructured.Unstructured) (bool, error) {
			live := find(objs, pod)
			return live == nil || string(live.GetUID()) != pod.UID || !slices.ContainsFunc(objs, func(b *unstructured.Unstructured) bool {
				return b.GetKind() == "PodDisruptionBudget" && protects(b, live) && number64(b.Object, "status", "disruptionsAllowed") == 0
			}), nil
		})
}

// protects reports whether a PodDisruptionBudget selects the pod. One that cannot be read as a selector does not.
func protects(budget, pod *unstructured.Unstructured) bool {
	s, ok := selectorOf(budget)
	return ok && s.Matches(podLabels(pod))
}

// waitPodGone waits until that incarnation of a pod is gone or going.
func (u *unitRun) waitPodGone(ctx context.Context, pod Ref) error {
	sel := Selection{APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name}
	err := watch(ctx, u.cluster, []Selection{sel}, minRollout, func(objs []*unstructured.Unstructured) (bool, error) {
		live := find(objs, pod)
		return live == nil || string(live.GetUID()) != pod.UID || live.GetDeletionTimestamp() != nil, nil
	})
	if errors.Is(err, errWaited) {
		return failed("pod %s was evicted but does not go", pod.Name)
	}
	return err
}
