package cutover

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// holdFor is how long a held rollout counts its canary pods as not yet available. If nobody releases it, it goes on by itself then, unproven:
// so it is as good as for ever, since a unit that is held must be safe for as long as nobody looks.
const holdFor = 30 * 24 * time.Hour

// holdFields returns the fields that, in the same patch as a template change, hold the rollout at k new pods; none where the object's
// own strategy cannot hold. They lie outside the pod template, so its hash does not move.
//
// A Deployment is held by new pods that count as available only after minReadySeconds, with room for k beside the old ones. A
// StatefulSet is held by its partition. A DaemonSet is not held: it counts minReadySeconds for its old pods too, and replaces those that
// do not count as available all at once.
func holdFields(live *unstructured.Unstructured, k int) []Field {
	n, _ := canaryOf(liveCircumstances(live, Workload{}, Direct), k)
	if n == 0 || onDeletion(live) {
		return nil
	}
	switch live.GetKind() {
	case "Deployment":
		wait := int64(holdFor / time.Second)
		return beforeImages([]Field{
			{Path: []string{"spec", "minReadySeconds"}, After: wait},
			// The API server demands more than minReadySeconds.
			{Path: []string{"spec", "progressDeadlineSeconds"}, After: 2 * wait},
			{Path: []string{"spec", "strategy", "rollingUpdate", "maxSurge"}, After: int64(n)},
			{Path: []string{"spec", "strategy", "rollingUpdate", "maxUnavailable"}, After: int64(0)},
		}, live)
	case "StatefulSet":
		return beforeImages([]Field{{Path: partitionPath, After: desired(live) - int64(n)}}, live)
	}
	return nil
}

// desired is spec.replicas, 1 where it is absent.
func desired(live *unstructured.Unstructured) int64 {
	if _, ok := lookup(live.Object, []string{"spec", "replicas"}); !ok {
		return 1
	}
	return number64(live.Object, "spec", "replicas")
}
