package cutover

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// templateKinds are the built-in kinds that make pods.
var templateKinds = [...]struct{ apiVersion, kind string }{
	{"apps/v1", "Deployment"}, {"apps/v1", "StatefulSet"}, {"apps/v1", "DaemonSet"}, {"batch/v1", "CronJob"}, {"batch/v1", "Job"},
	{"argoproj.io/v1alpha1", "Rollout"},
}

// users finds what still needs Pod Identity, and on the way what carries the migration proxy.
func (f *leftoverFinder) users() {
	var objs []*unstructured.Unstructured
	for _, k := range templateKinds {
		objs = append(objs, f.list(Selection{APIVersion: k.apiVersion, Kind: k.kind})...)
	}
	f.templates(objs)
	for _, o := range f.list(Selection{APIVersion: "v1", Kind: "Pod", Labels: podidentity.Label}) {
		if phase := text(o.Object, "status", "phase"); phase != "Succeeded" && phase != "Failed" {
			f.user(o, "it runs with "+podidentity.Label+"="+o.GetLabels()[podidentity.Label])
		}
	}
	for _, o := range f.list(Selection{APIVersion: "secrets-store.csi.x-k8s.io/v1", Kind: "SecretProviderClass"}) {
		if strings.EqualFold(text(o.Object, "spec", "parameters", "usePodIdentity"), "true") {
			f.user(o, "it has usePodIdentity: \"true\"")
		}
	}
	for _, kind := range [...]string{"TriggerAuthentication", "ClusterTriggerAuthentication"} {
		for _, o := range f.list(Selection{APIVersion: "keda.sh/v1alpha1", Kind: kind}) {
			if text(o.Object, "spec", "podIdentity", "provider") == "azure" {
				f.user(o, "its provider is azure; azure-workload is the new one")
			}
		}
	}
}

// templates looks at what makes pods.
func (f *leftoverFinder) templates(objs []*unstructured.Unstructured) {
	known := slices.Clip(objs)
	if slices.ContainsFunc(objs, ofRevision) {
		for _, k := range knativeKinds {
			known = append(known, f.list(Selection{APIVersion: k.apiVersion, Kind: k.kind})...)
		}
	}
	past := pastRevisions(known)
	for _, o := range objs {
		if o.GetKind() == "Job" && ended(o) {
			continue
		}
		template := append(templatePath(o.GetAPIVersion(), o.GetKind()), "metadata")
		if _, asks := lookup(o.Object, append(slices.Clone(template), "annotations", workloadid.InjectProxyAnnotation)); asks {
			f.out.Sidecars = append(f.out.Sidecars, refOf(o))
		}
		value := text(o.Object, append(template, "labels", podidentity.Label)...)
		switch {
		case value == "":
		case past(o):
			f.out.History = append(f.out.History, User{Object: refOf(o), Why: "its pod template carries " + podidentity.Label + "=" + value +
				": an old Knative Revision at zero, which gets no traffic; it gets no identity either, should somebody send it some"})
		default:
			f.user(o, "its pod template carries "+podidentity.Label+"="+value)
		}
	}
}

func (f *leftoverFinder) user(o *unstructured.Unstructured, why string) {
	f.out.Users = append(f.out.Users, User{Object: refOf(o), Why: why})
}

// ended reports whether a Job is complete or has failed.
func ended(job *unstructured.Unstructured) bool {
	for _, end := range [...]string{"Complete", "Failed"} {
		if status, _ := condition(job, end); status == "True" {
			return true
		}
	}
	return false
}

// roles reads the role assignments, and says what a cluster cannot tell.
func (f *leftoverFinder) roles(opts *LeftoverOptions) {
	f.out.Unseen = append(f.out.Unseen, "pod templates inside custom resources other than Argo Rollouts; the catalog finds them")
	if opts == nil || opts.RoleAssignments == nil {
		f.out.Unseen = append(f.out.Unseen, "role assignments: Managed Identity Operator and Virtual Machine Contributor of the nodes' identity, "+
			"which MIC needed, are in ARM and not in the cluster")
		return
	}
	found, err := opts.RoleAssignments(f.ctx, f.out.Cluster)
	if err != nil {
		f.out.Unseen = append(f.out.Unseen, "role assignments: "+err.Error())
	}
	f.out.RoleAssignments = found
}
