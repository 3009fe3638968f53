package cutover

import (
	"context"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// waitJobs waits until nothing that runs, or will, carries the unit's old label: Jobs were left to finish on the old path, and since the
// plan was made somebody may have made a workload that needs the bindings, at zero replicas or suspended though it be.
func (u *unitRun) waitJobs(ctx context.Context) error {
	var objs []*unstructured.Unstructured
	var sels []Selection
	for _, sel := range u.oldPathSelections() {
		found, err := optional(ctx, u.cluster, sel)
		if err != nil {
			return err
		}
		if len(found) > 0 || sel.APIVersion != "argoproj.io/v1alpha1" { // a kind that the cluster does not have cannot be watched
			sels = append(sels, sel)
		}
		objs = append(objs, found...)
	}
	users, templates := onOldPath(objs, u.selectors())
	if len(users) == 0 {
		return nil
	}
	hold, reason := HoldJob, "these still use the old path, and the bindings are kept for them: "+strings.Join(users, ", ")
	if templates {
		hold, reason = HoldManual, reason+"; the plan does not know all of them: take the old label from their templates, or plan again to move them"
	}
	return u.patient(ctx, sels, hold, reason, func(objs []*unstructured.Unstructured) (bool, error) {
		users, _ := onOldPath(objs, u.selectors())
		return len(users) == 0, nil
	})
}

// oldPathSelections are where to look for what needs the unit's bindings.
func (u *unitRun) oldPathSelections() []Selection {
	var sels []Selection
	for _, k := range templateKinds {
		sels = append(sels, Selection{APIVersion: k.apiVersion, Kind: k.kind, Namespace: u.unit.Namespace})
	}
	for _, v := range u.selectors() {
		sel := Selection{APIVersion: "v1", Kind: "Pod", Namespace: u.unit.Namespace, Labels: podidentity.Label + "=" + v}
		if c := u.plan.Cluster(u.unit.Cluster); c != nil && c.Mode == catalog.ModeStandard {
			sel.Namespace = "" // there, a binding serves pods of any namespace
		}
		sels = append(sels, sel)
	}
	return sels
}

// ofRevision reports whether a Deployment is that of a Knative Revision: old ones stay at zero as history, and make pods only if somebody sends
// traffic back to them.
func ofRevision(o *unstructured.Unstructured) bool {
	owner := metav1.GetControllerOf(o)
	return owner != nil && owner.Kind == "Revision" && strings.HasPrefix(owner.APIVersion, "serving.knative.dev/")
}

// onOldPath names what carries one of the values of the old label: pods that run, Jobs that have not ended, and templates of others, which will make
// such pods for as long as they are there.
func onOldPath(objs []*unstructured.Unstructured, selectors []string) (users []string, templates bool) {
	for _, o := range objs {
		label, over := o.GetLabels()[podidentity.Label], false
		switch o.GetKind() {
		case "Pod":
			phase := text(o.Object, "status", "phase")
			over = phase == "Succeeded" || phase == "Failed"
		default:
			label = text(o.Object, append(templatePath(o.GetAPIVersion(), o.GetKind()), "metadata", "labels", podidentity.Label)...)
			over = o.GetKind() == "Job" && ended(o) || ofRevision(o)
		}
		if over || !slices.Contains(selectors, label) {
			continue
		}
		users = append(users, o.GetNamespace()+" "+o.GetKind()+"/"+o.GetName())
		templates = templates || o.GetKind() != "Pod" && o.GetKind() != "Job"
	}
	return users, templates
}
