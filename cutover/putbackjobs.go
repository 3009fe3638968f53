package cutover

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// waitNewPathJobs waits, on the way back, until no Job that a workload of the unit has made on the new path alone can make another pod: such
// a Job keeps its template whatever becomes of its owner's, and a pod that is born once the account has lost its annotation gets no identity by
// either path. It may be born late: after a failure, or when the webhook is up again.
func (u *unitRun) waitNewPathJobs(ctx context.Context, account Ref) error {
	if !slices.ContainsFunc(u.unit.Workloads, func(w Workload) bool { return hasIntermediate(w, "Job") }) {
		return nil
	}
	sel := Selection{APIVersion: "batch/v1", Kind: "Job", Namespace: u.unit.Namespace}
	objs, err := list(ctx, u.cluster, sel)
	if err != nil {
		return err
	}
	jobs := u.newPathJobs(objs, account)
	if len(jobs) == 0 {
		return nil
	}
	why := "these were made on the new path alone, and a pod that they have yet to bear gets its identity by " + account.String() +
		", which keeps its annotation for them: " + strings.Join(jobs, ", ") +
		". All else is back. Let them end, or delete those that nobody needs; then roll back or run again, which takes the annotation away"
	return u.patient(ctx, []Selection{sel}, HoldJob, why, func(objs []*unstructured.Unstructured) (bool, error) {
		return len(u.newPathJobs(objs, account)) == 0, nil
	})
}

// newPathJobs names the unit's Jobs that have not ended and make pods of the account with the webhook's label and without the old one.
func (u *unitRun) newPathJobs(objs []*unstructured.Unstructured, account Ref) []string {
	var out []string
	for _, o := range objs {
		owner := metav1.GetControllerOf(o)
		if o.GetKind() != "Job" || ended(o) || owner == nil ||
			!slices.ContainsFunc(u.unit.Workloads, func(w Workload) bool { return hasIntermediate(w, "Job") && isOwner(owner, w) }) {
			continue
		}
		template := templatePath(o.GetAPIVersion(), o.GetKind())
		label := func(key string) string {
			return text(o.Object, append(slices.Clone(template), "metadata", "labels", key)...)
		}
		if text(o.Object, append(slices.Clone(template), "spec", "serviceAccountName")...) == account.Name &&
			label(workloadid.UseLabel) == workloadid.UseValue && !slices.Contains(u.selectors(), label(podidentity.Label)) {
			out = append(out, "Job/"+o.GetName()+" ("+doing(o)+")")
		}
	}
	return out
}

// doing says what a Job that has not ended waits for.
func doing(job *unstructured.Unstructured) string {
	switch active := number64(job.Object, "status", "active"); {
	case lookupTrue(job.Object, "spec", "suspend"):
		return "suspended: it bears pods when it is resumed"
	case active > 0:
		return fmt.Sprintf("pods running: %d, failed so far: %d", active, number64(job.Object, "status", "failed"))
	}
	return fmt.Sprintf("it has no pod now; failed so far: %d", number64(job.Object, "status", "failed"))
}
