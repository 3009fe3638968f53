package cutover

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// soakNeed is how long a unit must soak, and which CronJobs must have run meanwhile: at least the unit's soak time, and at least the
// longest time between two runs of each of its CronJobs, as far as the plan's limit goes. A suspended CronJob does not run, and one that
// the limit leaves out need not.
func (u *unitRun) soakNeed(ctx context.Context) (time.Duration, []Workload, error) {
	need, most := u.unit.Soak, u.plan.Limits.CronSoak
	if need <= 0 || most < 0 {
		return need, nil, nil
	}
	var crons []Workload
	for _, w := range u.unit.Workloads {
		if w.Kind != "CronJob" {
			continue
		}
		live, err := get(ctx, u.cluster, w.Ref)
		if err != nil {
			return 0, nil, err
		}
		if live == nil || lookupTrue(live.Object, "spec", "suspend") {
			continue
		}
		gap, err := longestGap(text(live.Object, "spec", "schedule"), text(live.Object, "spec", "timeZone"), time.Now())
		switch {
		case err != nil:
			return 0, nil, held(HoldManual, "how long to soak is unknown: %s: %v", w, err)
		case most > 0 && gap > most:
			continue
		}
		need, crons = max(need, gap), append(crons, w)
	}
	return need, crons, nil
}

// seeRuns remembers the CronJobs of which a run has completed that the schedule started from the final template.
func (u *unitRun) seeRuns(objs []*unstructured.Unstructured) {
	for _, job := range objs {
		if job.GetKind() != "Job" || len(readCrumbs(job, u.plan.Lineage, u.unit.ID)) > 0 {
			continue
		}
		status, _ := condition(job, "Complete")
		labels, _ := lookup(job.Object, []string{"spec", "template", "metadata", "labels"})
		final := asMap(labels)[workloadid.UseLabel] == workloadid.UseValue && asMap(labels)[podidentity.Label] == nil
		for _, w := range u.unit.Workloads {
			if w.Kind == "CronJob" && status == "True" && final && jobOf(job, w) && !slices.Contains(u.rec.Ran, w.String()) {
				u.rec.Ran = append(u.rec.Ran, w.String())
			}
		}
	}
}

func jobOf(job *unstructured.Unstructured, w Workload) bool {
	return slices.ContainsFunc(job.GetOwnerReferences(), func(r metav1.OwnerReference) bool { return isOwner(&r, w) })
}

// waitSoakRuns holds a unit whose soak is over until each of its CronJobs has completed a run on the new path alone.
func (u *unitRun) waitSoakRuns(ctx context.Context, crons []Workload) error {
	missing := func() string {
		var out []string
		for _, w := range crons {
			if !slices.Contains(u.rec.Ran, w.String()) {
				out = append(out, w.String())
			}
		}
		return strings.Join(out, ", ")
	}
	if missing() == "" {
		return nil
	}
	jobs := Selection{APIVersion: "batch/v1", Kind: "Job", Namespace: u.unit.Namespace}
	there, err := list(ctx, u.cluster, jobs)
	if err != nil {
		return err
	}
	if u.seeRuns(there); missing() == "" {
		return u.save(ctx)
	}
	why := fmt.Sprintf("no run of %s has completed on the new path alone, in a soak of %s", missing(), u.rec.Soaked)
	return u.patient(ctx, []Selection{jobs}, HoldJob, why, func(objs []*unstructured.Unstructured) (bool, error) {
		u.seeRuns(objs)
		return missing() == "", nil
	})
}
