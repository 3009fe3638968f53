package cutover

import (
	"context"
	"slices"
	"strings"

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
		if len(found) > 0 || !custom(sel) { // a kind that the cluster does not have cannot be watched
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
	if slices.ContainsFunc(u.unit.Workloads, isKnative) {
		for _, k := range knativeKinds {
			sels = append(sels, Selection{APIVersion: k.apiVersion, Kind: k.kind, Namespace: u.unit.Namespace})
		}
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

func custom(sel Selection) bool {
	return sel.APIVersion == "argoproj.io/v1alpha1" || strings.HasPrefix(sel.APIVersion, "serving.knative.dev/")
}

func isKnative(w Workload) bool { return strings.HasPrefix(w.APIVersion, "serving.knative.dev/") }

// onOldPath names what carries one of the values of the old label: pods that run, Jobs that have not ended, and templates of others, which will make
// such pods for as long as they are there.
func onOldPath(objs []*unstructured.Unstructured, selectors []string) (users []string, templates bool) {
	past := pastRevisions(objs)
	for _, o := range objs {
		label, over := o.GetLabels()[podidentity.Label], false
		switch o.GetKind() {
		case "Configuration", "Route":
			continue
		case "Pod":
			phase := text(o.Object, "status", "phase")
			over = phase == "Succeeded" || phase == "Failed"
		default:
			label = text(o.Object, append(templatePath(o.GetAPIVersion(), o.GetKind()), "metadata", "labels", podidentity.Label)...)
			over = o.GetKind() == "Job" && ended(o) || past(o)
		}
		if over || !slices.Contains(selectors, label) {
			continue
		}
		users = append(users, o.GetNamespace()+" "+o.GetKind()+"/"+o.GetName())
		templates = templates || o.GetKind() != "Pod" && o.GetKind() != "Job"
	}
	return users, templates
}
