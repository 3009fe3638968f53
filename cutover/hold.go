package cutover

import (
	"slices"
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
// StatefulSet is held by its partition. A DaemonSet counts minReadySeconds for its old pods too, and replaces those that do not count as
// available all at once; so it is told to replace none by itself (OnDelete), and the runner evicts the pods of k nodes, one after the
// other. Unlike the hold of a Deployment, that of the other two does not end by itself.
//
// What a DaemonSet's rolling update does without asking anybody is to delete the pods of maxUnavailable nodes at a time. So the evictions
// of its canary need no permission of the user's, as those of a DaemonSet that is OnDelete by itself do; and they are evictions and no
// deletions, since a PodDisruptionBudget that covers the pods may well mean what it says: while it refuses, the unit is held.
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
	case "DaemonSet":
		return beforeImages([]Field{{Path: updateTypePath, After: onDeleteStrategy}}, live)
	}
	return nil
}

var updateTypePath = []string{"spec", "updateStrategy", "type"}

// holdsByEviction reports whether fields hold a rollout by leaving it to evictions.
func holdsByEviction(hold []Field) bool {
	return slices.ContainsFunc(hold, func(f Field) bool {
		return pointer(f.Path) == pointer(updateTypePath) && !same(f.Before, f.After)
	})
}

// desired is spec.replicas, 1 where it is absent.
func desired(live *unstructured.Unstructured) int64 {
	if _, ok := lookup(live.Object, []string{"spec", "replicas"}); !ok {
		return 1
	}
	return number64(live.Object, "spec", "replicas")
}
