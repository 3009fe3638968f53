package cutover

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// raceTime is how long after its birth a pod with the old label may be refused by NMI although all is well: the start-up race. NMI holds a
// request for up to 100 seconds while the pod's identity is being assigned, and then refuses it.
// https://github.com/Azure/aad-pod-identity/blob/v1.8.17/pkg/nmi/standard.go
const raceTime = 2 * time.Minute

// rightful names who uses the old path by right at an instant, and one of them that is young enough to be in the start-up race; "" for none.
type rightful struct{ who, young string }

// leaving names who may be gone when the counters are read again: what a unit has left to finish on the old path and is not through yet, and
// in a single rollout a pod with the old label in the start-up race.
func leaving(ctx context.Context, t Target) rightful {
	jobs := slices.ContainsFunc(t.Unit.Workloads, func(w Workload) bool { return leftToFinish(w.Kind) })
	if !jobs && !t.strategy().SingleRollout {
		return rightful{}
	}
	now, err := users(ctx, t)
	switch {
	case err != nil:
		return rightful{"what was still on the old path when the counters were read before is unknown", "a pod, perhaps, of those that could not be listed,"}
	case !jobs:
		return rightful{young: now.young}
	case now.who == "":
		now.who = unfinished(ctx, t)
	}
	return now
}

// unfinished names a Job on the old path that has not ended; "" for none.
func unfinished(ctx context.Context, t Target) string {
	jobs, err := list(ctx, t.Cluster, Selection{APIVersion: "batch/v1", Kind: "Job", Namespace: t.Unit.Namespace})
	if err != nil {
		return "which Jobs were still on the old path when the counters were read before is unknown: " + err.Error()
	}
	for _, j := range jobs {
		if text(j.Object, "spec", "template", "metadata", "labels", podidentity.Label) != "" && !ended(j) {
			return "Job/" + j.GetName() + " was still on the old path when the counters were read before"
		}
	}
	return ""
}

// users are the pods of the namespace that use the old path by right, because they were made before the change, such as those of a Job left
// to finish.
func users(ctx context.Context, t Target) (out rightful, err error) {
	pods, err := list(ctx, t.Cluster, Selection{APIVersion: "v1", Kind: "Pod", Namespace: t.Unit.Namespace, Labels: podidentity.Label})
	if err != nil {
		return out, err
	}
	for _, p := range pods {
		phase := text(p.Object, "status", "phase")
		if p.GetLabels()[workloadid.UseLabel] == workloadid.UseValue || phase == "Succeeded" || phase == "Failed" {
			continue
		}
		out.who = cmp.Or(out.who, "Pod/"+p.GetName()+" is still on the old path")
		if time.Since(p.GetCreationTimestamp().Time) < raceTime {
			out.young = cmp.Or(out.young, "Pod/"+p.GetName())
		}
	}
	return out, nil
}
