package cutover

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// ReadyTimes says how fast the pods of a workload became Ready before it was changed.
type ReadyTimes struct {
	// Workload is its Ref.String().
	Workload string `json:"workload"`
	// Pods is how many could be timed, P95 the time within which 95 % of them were Ready.
	Pods int           `json:"pods"`
	P95  time.Duration `json:"p95"`
}

// ReadyOptions tune [ReadyInTime]. A zero field means its default.
type ReadyOptions struct {
	// Factor is how many times as long as before new pods may take, by their 95th percentiles; default: 1.5. Negative: not compared.
	Factor float64
	// Floor is how much longer they may take in any case; default: 10 seconds. Kubernetes' timestamps are whole seconds, and a busy node is
	// worth a few.
	Floor time.Duration
	// Pods is how many pods a baseline needs at least; default: 3.
	Pods int
}

func (o *ReadyOptions) withDefaults() ReadyOptions {
	var out ReadyOptions
	if o != nil {
		out = *o
	}
	if out.Factor == 0 {
		out.Factor = 1.5
	}
	number(&out.Floor, 10*time.Second)
	number(&out.Pods, 3)
	return out
}

// flapped is how long after its scheduling a pod must have become Ready for the last time to be timed by it: later than that it had been
// Ready before, and nobody knows when first.
const flapped = 15 * time.Minute

// ReadyInTime returns a gate that compares how long new pods take from being scheduled to being Ready with how long those took that were
// there before anything was changed (V2): the runner times them at preflight, and the journal keeps the result. It fails when the
// new 95th percentile exceeds the old one by the factor and by the floor.
//
// Without a baseline, as where fewer pods ran than [ReadyOptions.Pods], it passes and says so in its evidence: what must hold of a birth in
// any case, Ready and without a restart, [NewPods] demands. With a baseline, new pods that cannot be timed are inconclusive.
func ReadyInTime(opts *ReadyOptions) Gate {
	const name = "ready in time"
	o := opts.withDefaults()
	return func(ctx context.Context, t Target) Verdict {
		var evidence []Evidence
		for _, w := range t.Workloads {
			found, err := podsOf(ctx, t, w)
			if err != nil {
				evidence = append(evidence, Evidence{Check: "V2", Object: w.String(), Got: "its pods cannot be read: " + err.Error(), Result: Inconclusive})
				continue
			}
			evidence = append(evidence, o.judge(t, w, readyTimes(found.current)))
		}
		return Judge(name, evidence...)
	}
}

// judge compares the times of new pods of a workload with its baseline.
func (o ReadyOptions) judge(t Target, w Workload, took []time.Duration) Evidence {
	e := Evidence{Check: "V2", Object: w.String(), Result: Pass, Got: fmt.Sprintf("95 %% of %d new pods Ready within %s of being scheduled", len(took), p95(took))}
	i := slices.IndexFunc(t.Baseline, func(r ReadyTimes) bool { return r.Workload == w.String() })
	switch {
	case o.Factor < 0:
		e.Got += "; not compared"
		return e
	case i < 0 || t.Baseline[i].Pods < o.Pods:
		e.Got += fmt.Sprintf("; no baseline: fewer than %d of its pods could be timed before the change", o.Pods)
		return e
	}
	before := t.Baseline[i].P95
	most := max(time.Duration(o.Factor*float64(before)), before+o.Floor)
	e.Want = fmt.Sprintf("95 %% within %s, since before the change they took %s", most, before)
	switch {
	case len(took) == 0:
		e.Result, e.Got = Inconclusive, "none of its new pods can be timed"
	case p95(took) > most:
		e.Result = Fail
	}
	return e
}

// readyTimes are the times from scheduling to Ready of the pods that can be timed, sorted.
func readyTimes(pods []*corev1.Pod) []time.Duration {
	var out []time.Duration
	for _, p := range pods {
		if took, ok := readyTime(p); ok {
			out = append(out, took)
		}
	}
	slices.Sort(out)
	return out
}

// readyTime times a pod that is Ready and has never restarted. Where nobody says when it was scheduled, its creation counts.
func readyTime(p *corev1.Pod) (time.Duration, bool) {
	from, to := p.CreationTimestamp.Time, time.Time{}
	for _, c := range p.Status.Conditions {
		switch {
		case c.Type == corev1.PodScheduled && c.Status == corev1.ConditionTrue && !c.LastTransitionTime.IsZero():
			from = c.LastTransitionTime.Time
		case c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue:
			to = c.LastTransitionTime.Time
		}
	}
	restarted := slices.ContainsFunc(p.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool { return s.RestartCount > 0 })
	took := to.Sub(from)
	return took, !from.IsZero() && !to.IsZero() && !restarted && took >= 0 && took < flapped
}

// p95 is the 95th percentile of sorted times, by the nearest rank.
func p95(sorted []time.Duration) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(95*len(sorted)+99)/100-1]
}
