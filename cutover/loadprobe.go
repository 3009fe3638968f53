package cutover

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// probeIdle starts pods of the workloads that run none, where the plan approves and natural load has not come by now. From then on the
// gate has no more time than an induced scale-out.
func (r *loadRun) probeIdle(ctx context.Context) {
	if r.t.Probe == nil || time.Since(r.began) < r.o.InduceAfter {
		return
	}
	r.unprobed = nil
	for _, y := range r.sight.tallies {
		if y.probe != nil || y.w.Kind != "CronJob" && y.replicas > 0 || len(y.counted(r.nodes.known)) >= y.need {
			continue
		}
		p, err := r.t.Probe(ctx, y.w)
		switch {
		case err != nil:
			r.unprobed = append(r.unprobed, Evidence{Check: "load", Object: y.w.String(), Want: "a probe", Got: "none: " + err.Error(), Result: Inconclusive})
		case p != nil:
			r.sight.probed(y, p)
			r.deadline = earlier(r.deadline, time.Now().Add(max(r.t.Plan.Limits.InduceFor, minRollout)))
		}
	}
}

// hasProbes reports whether anything was started: that is not done twice in a window.
func (r *loadRun) hasProbes() bool {
	for _, y := range r.sight.tallies {
		if y.probe != nil {
			return true
		}
	}
	return false
}

// probed makes the pods of a probe count for a workload: one of them will do.
func (s *loadSight) probed(y *loadTally, p *IdleProbe) {
	y.probe, y.need, y.nodes = p, 1, 1
	if p.Job != nil {
		s.own(types.UID(p.Job.UID), y)
	}
}

// own gives the pods of a ReplicaSet or Job to a workload.
func (s *loadSight) own(uid types.UID, y *loadTally) {
	s.owners[uid] = y
	for id, b := range s.orphans {
		if metav1.GetControllerOf(b.pod).UID == uid {
			delete(s.orphans, id)
			s.born(b)
		}
	}
}

// ofProbe reports whether a pod was born by the workload's probe. One that was scaled to one pod has no others.
func (y *loadTally) ofProbe(b *birth) bool {
	return y.probe != nil && (y.probe.Job == nil || y.probe.bore(b.pod))
}

// probeRung names the rung of a workload that was probed; "" where pods came that its probe did not start.
func (y *loadTally) probeRung(births []*birth) string {
	if y.probe == nil {
		return ""
	}
	for _, b := range births {
		if !y.ofProbe(b) {
			return ""
		}
	}
	return fmt.Sprintf("rung: %s, %d pods", y.probe.Rung, len(births))
}
