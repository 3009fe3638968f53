package cutover

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Rungs of the ladder below load, as the evidence names them.
const (
	// RungOnePod means: a workload that runs no pod was judged by one that was started for it.
	RungOnePod = "one-pod probe"
	// RungOneRun means: a CronJob was judged by a run that was started for it.
	RungOneRun = "one-off run"
)

// IdleProbe is what was started of a workload that runs no pod. Which way it is, is the one that disturbs least:
//
//   - A Deployment, StatefulSet or Argo Rollout at zero that no autoscaler and no GitOps tool rules is scaled to one through its scale
//     subresource, and back to zero. A StatefulSet makes the claims of its first pod, if they are not there, and keeps them.
//   - Of one that KEDA or an HPA rules, or whose replicas a GitOps tool would put back, a Job is made from the pod template. The
//     autoscaler is not touched, for one that wakes up scales further than one pod. Its pod lacks the labels of the workload's selector,
//     so no Service sends it traffic and no NetworkPolicy that selects by them covers it, and it ends by itself if nobody ends it. A
//     StatefulSet with claims of its own cannot be tried so, and stays held.
//   - A CronJob is run once more, suspended or not, as by kubectl create job --from; not while a run is under way that its
//     concurrencyPolicy protects. A run is never cut short: it is deleted once it has finished, unless it has a time to live of its own,
//     and the unit is not Done before. After a rollback, or an abort, one that still runs stays with the CronJob's history.
type IdleProbe struct {
	// Rung is RungOnePod or RungOneRun.
	Rung string
	// Job is the one-off Job whose pod is to be judged, with its UID; nil where the workload itself was scaled.
	Job *Ref
}

// bore reports whether the pod is that of the probe's Job.
func (p *IdleProbe) bore(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	return p != nil && p.Job != nil && owner != nil && string(owner.UID) == p.Job.UID
}

// probable reports whether a workload of that kind can be probed when it is idle.
func probable(w Workload) bool {
	switch scaledRef(w).Kind {
	case "Deployment", "StatefulSet", "Rollout", "CronJob":
		return w.Template != nil
	}
	return false
}

// probedPods are the pods of a workload, with that of its probe if it is idle and the plan approves one.
func probedPods(ctx context.Context, t Target, w Workload) (workloadPods, error) {
	var probe *IdleProbe
	if t.Probe != nil && w.Kind != "CronJob" {
		started, err := t.Probe(ctx, w)
		if err != nil {
			return workloadPods{}, errors.Join(errUnprobed, err)
		}
		probe = started
	}
	return podsWith(ctx, t, w, probe)
}

// errUnprobed: the pod of an idle workload could not be started.
var errUnprobed = errors.New("it runs none, and none could be started")

// allowProbes lets the gates of steps that look at pods start them, where the plan approves.
func (u *unitRun) allowProbes(t *Target, s *Step) {
	switch s.Kind {
	case StepDualPath, StepLoad, StepUnbound, StepLoadAgain:
	default:
		return
	}
	if slices.ContainsFunc(t.Workloads, func(w Workload) bool { return w.Probe }) {
		t.Probe = func(ctx context.Context, w Workload) (*IdleProbe, error) { return u.probe(ctx, s, w) }
	}
}

// probe starts the probe of a workload, unless that is done already.
func (u *unitRun) probe(ctx context.Context, s *Step, w Workload) (*IdleProbe, error) {
	known := u.workload(w.Ref)
	if p := u.probes[w.String()]; p != nil || known == nil || !known.Probe {
		return p, nil
	}
	live, err := get(ctx, u.cluster, scaledRef(*known))
	if err != nil || live == nil {
		return nil, errors.Join(err, notThere(live, scaledRef(*known)))
	}
	var p *IdleProbe
	switch {
	case known.Kind == "CronJob":
		p, err = u.runOnce(ctx, s, *known, live)
	case desired(live) > 0 || number64(live.Object, "status", "replicas") > 0:
		return nil, nil
	default:
		p, err = u.startOne(ctx, s, *known, live)
	}
	if err == nil {
		u.probes[w.String()] = p
	}
	return p, err
}

func notThere(live *unstructured.Unstructured, r Ref) error {
	if live != nil {
		return nil
	}
	return fmt.Errorf("%s is not there", r)
}

// startOne starts the pod of a workload at zero: by scaling it, or, where something else rules its replicas, by a Job.
func (u *unitRun) startOne(ctx context.Context, s *Step, w Workload, live *unstructured.Unstructured) (*IdleProbe, error) {
	ruled, err := u.ruled(ctx, live)
	if err != nil {
		return nil, fmt.Errorf("what scales %s is unknown: %w", w, err)
	}
	if !ruled {
		return &IdleProbe{Rung: RungOnePod}, u.scaleToOne(ctx, s, live)
	}
	template, err := readWorkload(ctx, u.cluster, w)
	if err != nil {
		return nil, err
	}
	if claims, _ := lookup(template.Object, []string{"spec", "volumeClaimTemplates"}); claims != nil {
		return nil, fmt.Errorf("the replicas of %s are not ours to change, and a pod of it outside the set would lack its claims; start it first", w)
	}
	return u.startJob(ctx, s, RungOnePod, serviceJob(template, live, u.plan.Limits.InduceFor))
}
