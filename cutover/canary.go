package cutover

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/catalog"
)

// circumstances are what decides whether the removal of the old label has a canary: a few pods that lose it, and are judged, while all
// others keep it.
type circumstances struct {
	kind string
	// strategy of the kind's own updates, as named; "" means a rolling one, which is the default of every kind.
	strategy string
	// pods wanted; unknownPods where nobody knows.
	pods int64
	// surges: a DaemonSet that starts a node's new pod before it stops the old one.
	surges   bool
	mode     Mode
	borrower *Ref
}

const unknownPods = -1

// liveCircumstances are those of a workload as the cluster holds it now.
func liveCircumstances(live *unstructured.Unstructured, w Workload, m Mode) circumstances {
	surge, _ := lookup(live.Object, []string{"spec", "updateStrategy", "rollingUpdate", "maxSurge"})
	return circumstances{
		kind: live.GetKind(), strategy: updateStrategy(live), pods: desiredPods(live), mode: m, borrower: w.Borrower,
		surges: live.GetKind() == "DaemonSet" && surge != nil && !same(surge, 0) && surge != "0%",
	}
}

// updateStrategy is how the kind replaces its pods when the template changes, as the object names it.
func updateStrategy(live *unstructured.Unstructured) string {
	if live.GetKind() == "Deployment" {
		return text(live.Object, "spec", "strategy", "type")
	}
	return text(live.Object, "spec", "updateStrategy", "type")
}

// desiredPods is how many pods a workload is to have: of a DaemonSet, one for each node that it is for.
func desiredPods(live *unstructured.Unstructured) int64 {
	if live.GetKind() == "DaemonSet" {
		return number64(live.Object, "status", "desiredNumberScheduled")
	}
	return desired(live)
}

// canaryOf says how many pods lose the old label, and are judged, before the rest do; where there is no such canary, why not. It is the
// one place that decides: the steps of a plan and its risks, preflight and the runner all ask here. k is how many there are to be.
func canaryOf(c circumstances, k int) (pods int, why string) {
	switch {
	case k <= 0:
		return 0, "the limits allow no canary pods"
	case c.borrower != nil:
		return 0, "its template is run by " + c.borrower.String() + ", which rolls out by steps of its own"
	case !canHold(c.kind):
		return 0, "its kind cannot be held at a few pods"
	case c.pods == 0:
		return 0, "it has no pod that could be one"
	case c.strategy == onDeleteStrategy && c.kind != "Deployment": // nothing moves that is not evicted, however the label left
		return fewOf(c, k)
	case c.mode == GitOps || c.mode == GitOnly:
		return 0, "in mode " + string(c.mode) + " the label leaves it by a commit, which nothing holds at a few pods"
	case c.surges:
		return 0, "it surges, so that no node is without its pod, and a canary takes the pod of a node away"
	case c.strategy != "" && c.strategy != rollingUpdate:
		return 0, "its update strategy is " + c.strategy
	case c.kind != "Deployment": // whose canary is born beside the other pods
		return fewOf(c, k)
	}
	if c.pods != unknownPods {
		k = min(k, int(c.pods))
	}
	return k, ""
}

// The update strategies that are known by name.
const (
	rollingUpdate    = "RollingUpdate"
	onDeleteStrategy = "OnDelete"
)

// fewOf is a canary of pods that take the place of others: k of them, or one where k would be all there are.
func fewOf(c circumstances, k int) (pods int, why string) {
	switch {
	case c.pods == 1:
		return 0, "its only pod would be all of it"
	case c.pods != unknownPods && c.pods <= int64(k):
		return 1, ""
	}
	return k, ""
}

// plannedCircumstances are those of a workload as far as a snapshot tells.
func plannedCircumstances(u Unit, w Workload, s catalog.Workload) circumstances {
	out := circumstances{kind: w.Kind, strategy: s.Strategy, pods: unknownPods, mode: u.Mode, borrower: w.Borrower}
	if s.Replicas != nil {
		out.pods = int64(*s.Replicas)
	}
	return out
}

// canary is how many pods the step's workload is held at while they are judged; 0 where there is no canary.
func (u *unitRun) canary(ctx context.Context, s *Step) (int, error) {
	w := u.workload(*s.Workload)
	if w == nil {
		return 0, nil
	}
	live, err := get(ctx, u.cluster, w.Ref)
	if err != nil {
		return 0, err
	}
	n := 0
	if live != nil {
		n, _ = canaryOf(liveCircumstances(live, *w, u.unit.Mode), u.plan.Limits.CanaryPods)
	}
	switch {
	case u.heldAct(s) != nil:
		return max(n, 1), nil // held it is: what has changed since must not pass for a rollout without a canary
	case live != nil && onDeletion(live):
		return n, nil
	}
	return 0, nil
}
