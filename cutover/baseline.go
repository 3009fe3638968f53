package cutover

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// measure times the pods that run before anything is changed. It is best effort: a workload whose pods cannot be read has no baseline.
func (u *unitRun) measure(ctx context.Context, s *Step) {
	t, err := u.target(ctx, s)
	if u.rec.Baseline != nil || err != nil {
		return
	}
	for _, w := range t.Workloads {
		found, err := podsOf(ctx, t, w)
		if err != nil {
			continue
		}
		// After a lost journal some may be new already.
		old := slices.DeleteFunc(slices.Concat(found.current, found.others), func(p *corev1.Pod) bool { return p.Labels[workloadid.UseLabel] == workloadid.UseValue })
		if took := readyTimes(old); len(took) > 0 {
			u.rec.Baseline = append(u.rec.Baseline, ReadyTimes{Workload: w.String(), Pods: len(took), P95: p95(took)})
		}
	}
}
