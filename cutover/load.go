package cutover

import (
	"context"
	"time"
)

// LoadOptions tune [Load]. A zero field means its default; a negative duration or count means none.
type LoadOptions struct {
	// Window is how long the unit is watched at least; default: 10 minutes.
	Window time.Duration
	// Deadline is how long load is waited for before the unit is held; default: 24 hours. It never passes by itself.
	Deadline time.Duration
	// LookEvery is how often the webhook is probed and the witnesses are asked; default: 30 seconds.
	LookEvery time.Duration
	// Pods is how many pods a scale-out must bring for each workload; default: 5, or half of its replicas if that is more.
	Pods int
	// Nodes is on how many nodes they must run; default: 3, or all that can take the pod if those are fewer. Node affinity is not
	// looked at: set Nodes where it leaves fewer.
	Nodes int
	// NewNode demands that one of them runs on a node that joined within the window; by default its lack is only noted.
	NewNode bool
	// InduceAfter is how long natural load is waited for before load is induced, where the plan allows it; default: the window.
	InduceAfter time.Duration
	// Calm is how long a pod born by a scale-out must run without a restart before it counts; default: one minute. One that ends before
	// it is that old counts if it was Ready. A restart that is seen within a pod's first minute fails the gate, however short Calm is.
	Calm time.Duration
	// Probe is asked at every look; default: [InjectionProbe] with one pod of each workload.
	Probe Gate
	// Also are asked at every look as well: none may fail, and all must pass at the end. [NoRegression] belongs here.
	Also []Gate
	// Ready says how fast the new pods must be Ready, compared with before; see [ReadyInTime]. Pods on nodes that joined within the window
	// are not timed: they wait for images.
	Ready *ReadyOptions
	// birthsOnly leaves the witnesses of the path out: while other workloads of the unit are still on the old one, they cannot tell.
	birthsOnly bool
}

func (o *LoadOptions) withDefaults() LoadOptions {
	var out LoadOptions
	if o != nil {
		out = *o
	}
	number(&out.Window, 10*time.Minute)
	number(&out.Deadline, 24*time.Hour)
	number(&out.LookEvery, 30*time.Second)
	number(&out.Calm, calmAfterBirth)
	number(&out.InduceAfter, max(out.Window, time.Second))
	out.LookEvery = max(out.LookEvery, time.Second)
	if out.Probe == nil {
		out.Probe = InjectionProbe(1)
	}
	return out
}

// Load returns the gate that proves the new path under load: it watches the target's workloads for a window, and passes when each of
// them has scaled out within it and every pod so born holds. At idle it never passes. Pods that are still younger than
// [LoadOptions.Calm] by then count for nothing, unless something speaks against them.
//
// Only pods born by a scale-out count: those that follow a rise of spec.replicas (or of what an HPA says it scaled to), as many as it
// rose by. Replacements do not, and pods that were there before prove nothing. A DaemonSet scales out by a node that joins; a CronJob
// is under load when a Job runs. It passes if there are enough of them, on enough nodes ([LoadOptions]), each of them
//
//   - injected (V1), born well (V2) and able to exchange a token bound to it (V3),
//   - while the webhook admits a dry-run pod at every look,
//   - and NMI serves the namespace nothing (V4), or each of them says that its tokens come by the new path (V5), and none against it.
//
// Any of these that fails, fails the gate. What was not seen opens the window anew: a gap in the watch, for pods may have been born
// and died in it; a probe without an answer; a pod that was gone before it was judged. Nothing at all, or not enough, is inconclusive at
// the deadline, and held for load.
//
// Where the plan allows it and nothing scales by itself, a scale-out is induced through [Target.Induce], once: the minReplicas of the
// HPA, the minReplicaCount of the KEDA ScaledObject, or spec.replicas where neither rules. Workloads at zero replicas and those whose
// autoscaler belongs to a GitOps tool are left alone. A workload that runs no pod is probed where the plan approves that ([Target.Probe]):
// one pod will do then, or one run of a CronJob, since that is all there is to see. The evidence names the rung that was reached: idle,
// one-pod probe or one-off run, natural scale-out, induced scale-out, the last two with or without a new node.
func Load(opts *LoadOptions) Gate {
	o := opts.withDefaults()
	return func(ctx context.Context, t Target) Verdict {
		r := newLoadRun(t, o)
		return r.watch(ctx)
	}
}
