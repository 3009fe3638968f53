package e2e_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// leaves are the values of an object by their path; objects are named "cluster kind namespace/name".
type leaves map[string]string

// byThemselves are kinds that controllers make and remove; what they are made from is compared.
var byThemselves = []string{"Pod", "ReplicaSet", "ControllerRevision", "Job", "Node", "EndpointSlice", "Endpoints", "AzureAssignedIdentity", "CSINode", "APIService",
	"FlowSchema", "PriorityLevelConfiguration", "Namespace"}

func dumpFleet(t *testing.T, f *fleet.Fleet) map[string]leaves {
	t.Helper()
	out := map[string]leaves{}
	for _, c := range f.Clusters {
		all, err := c.Dump(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			if slices.Contains(byThemselves, o.GetKind()) {
				continue
			}
			l := leaves{}
			flatten(l, "", o.Object)
			for _, m := range o.GetManagedFields() {
				if m.Subresource == "" { // a status is its controller's
					l["manager "+m.Manager] = "present"
				}
			}
			out[objectName(c.Name, o)] = l
		}
	}
	return out
}

func objectName(cluster string, o *unstructured.Unstructured) string {
	return fmt.Sprintf("%s %s %s/%s", cluster, o.GetKind(), o.GetNamespace(), o.GetName())
}

// flatten leaves out what the API server and controllers write by themselves.
func flatten(into leaves, path string, v any) {
	switch path {
	case "/status", "/metadata/managedFields", "/metadata/resourceVersion", "/metadata/generation", "/metadata/annotations/deployment.kubernetes.io~1revision",
		"/metadata/annotations/rollout.argoproj.io~1revision", "/metadata/annotations/rollout.argoproj.io~1workload-generation",
		"/metadata/annotations/deprecated.daemonset.template.generation":
		return
	}
	switch x := v.(type) {
	case map[string]any:
		for k, v := range x {
			flatten(into, path+"/"+strings.ReplaceAll(k, "/", "~1"), v)
		}
	case []any:
		for i, v := range x {
			flatten(into, fmt.Sprintf("%s/%d", path, i), v)
		}
	default:
		into[path] = fmt.Sprint(x)
	}
}

// compareFleet dumps the fleet again: what differs must be what the plan says, and the plan's values must be there.
func compareFleet(t *testing.T, f *fleet.Fleet, p *cutover.Plan, before map[string]leaves) {
	t.Helper()
	planned := map[string]bool{} // object and path; a deletion is the object alone
	for _, u := range p.Units {
		for _, s := range u.Steps {
			for _, e := range s.Edits {
				name := fmt.Sprintf("%s %s %s/%s", u.Cluster, e.Ref.Kind, e.Ref.Namespace, e.Ref.Name)
				if e.Verb == cutover.Delete {
					planned[name] = true
				}
				for _, field := range e.Fields {
					path := ""
					for _, k := range field.Path {
						path += "/" + strings.ReplaceAll(k, "/", "~1")
					}
					planned[name+" "+path] = true
				}
				planned[name+" manager "+cutover.Manager] = true
			}
		}
	}
	after := dumpFleet(t, f)
	changed := 0
	for _, name := range slices.Sorted(maps.Keys(union(before, after))) {
		was, is := before[name], after[name]
		if is == nil && planned[name] {
			changed++
			continue
		}
		if was == nil || is == nil {
			t.Errorf("%s came or went, and the plan does not say so (there before: %v)", name, was != nil)
			continue
		}
		for _, path := range slices.Sorted(maps.Keys(union(was, is))) {
			if was[path] == is[path] {
				continue
			}
			changed++
			if !planned[name+" "+path] {
				t.Errorf("%s: %s was %q and is %q, and the plan does not say so", name, path, was[path], is[path])
			}
		}
	}
	t.Logf("%d objects compared, %d changes", len(after), changed)
}

func union[V any](a, b map[string]V) map[string]bool {
	out := map[string]bool{}
	for k := range a {
		out[k] = true
	}
	for k := range b {
		out[k] = true
	}
	return out
}
