package cutover

import (
	"context"
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
	why := "these run on the new path alone, and " + account.String() + " keeps its annotation for them: " + strings.Join(jobs, ", ")
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
			out = append(out, "Job/"+o.GetName())
		}
	}
	return out
}
