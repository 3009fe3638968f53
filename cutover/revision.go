package cutover

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// knativeKinds say where traffic goes to, and so which Revisions may make pods.
// https://knative.dev/docs/serving/revisions/
var knativeKinds = [...]struct{ apiVersion, kind string }{{"serving.knative.dev/v1", "Configuration"}, {"serving.knative.dev/v1", "Route"}}

// ofRevision reports whether a Deployment is that of a Knative Revision.
func ofRevision(o *unstructured.Unstructured) bool {
	owner := metav1.GetControllerOf(o)
	return o.GetKind() == "Deployment" && owner != nil && owner.Kind == "Revision" && strings.HasPrefix(owner.APIVersion, "serving.knative.dev/")
}

// pastRevisions tells which Deployments are those of old Knative Revisions: scaled to zero, with a newer one in their Configuration, and without
// a Route that names them. They stay as history, and make pods only if somebody sends traffic back to them. One that nothing is known of is not
// past: the newest one, too, is at zero where nobody asks for it.
func pastRevisions(objs []*unstructured.Unstructured) func(o *unstructured.Unstructured) bool {
	newer, named := map[string][]string{}, map[string]bool{}
	for _, o := range objs {
		switch at := o.GetNamespace() + "/"; o.GetKind() {
		case "Configuration":
			newer[at+o.GetName()] = []string{text(o.Object, "status", "latestCreatedRevisionName"), text(o.Object, "status", "latestReadyRevisionName")}
		case "Route":
			for _, part := range [...]string{"spec", "status"} {
				traffic, _ := lookup(o.Object, []string{part, "traffic"})
				targets, _ := traffic.([]any)
				for _, t := range targets {
					named[at+text(asMap(t), "revisionName")] = true
				}
			}
		}
	}
	return func(o *unstructured.Unstructured) bool {
		if !ofRevision(o) || desired(o) > 0 || number64(o.Object, "status", "replicas") > 0 {
			return false
		}
		revision := metav1.GetControllerOf(o).Name
		latest := newer[o.GetNamespace()+"/"+o.GetLabels()["serving.knative.dev/configuration"]]
		return len(latest) > 0 && latest[0] != "" && !slices.Contains(latest, revision) && !named[o.GetNamespace()+"/"+revision]
	}
}
