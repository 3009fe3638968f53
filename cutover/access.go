package cutover

import (
	"cmp"
	"slices"
	"strings"
)

// access is one thing that the runner must be allowed to do. An empty namespace means the whole cluster.
type access struct {
	verb, group, resource, sub, namespace string
}

func (a access) String() string {
	out := a.verb + " " + a.full()
	if a.group != "" {
		out += "." + a.group
	}
	return out
}

// full is the resource with its subresource, as RBAC names it.
func (a access) full() string {
	if a.sub == "" {
		return a.resource
	}
	return a.resource + "/" + a.sub
}

// accessOf lists what a unit's steps and the provided gates do, sorted: nothing more is needed.
func accessOf(u *Unit, induce bool) []access {
	ns := u.Namespace
	need := []access{
		{"create", "", "pods", "", ns}, // dry runs only: nothing is stored
		{"create", "", "serviceaccounts", "token", ns},
		{"get", "", "namespaces", "", ""},
		{"list", "", "nodes", "", ""},
		{"list", "", "pods", "", ""}, // NMI's
		{"list", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "", ""},
		{"list", "discovery.k8s.io", "endpointslices", "", ""},
		{"list", "", "resourcequotas", "", ns},
		{"list", "secrets-store.csi.x-k8s.io", "secretproviderclasses", "", ns},
		{"list", "keda.sh", "triggerauthentications", "", ns},
		{"list", "aadpodidentity.k8s.io", "azureidentitybindings", "", ns},
		{"list", "aadpodidentity.k8s.io", "azureassignedidentities", "", ""},
		{"watch", "aadpodidentity.k8s.io", "azureassignedidentities", "", ""},
	}
	for _, r := range []access{{resource: "pods"}, {group: "apps", resource: "replicasets"}, {group: "apps", resource: "controllerrevisions"},
		{group: "batch", resource: "jobs"}, {group: "autoscaling", resource: "horizontalpodautoscalers"}} {
		need = append(need, access{"list", r.group, r.resource, "", ns}, access{"watch", r.group, r.resource, "", ns})
	}
	if induce {
		need = append(need, access{"get", "autoscaling", "horizontalpodautoscalers", "", ns}, access{"patch", "autoscaling", "horizontalpodautoscalers", "", ns},
			access{"get", "keda.sh", "scaledobjects", "", ns}, access{"patch", "keda.sh", "scaledobjects", "", ns},
			access{"list", "keda.sh", "scaledobjects", "", ns}) // to find what is raised when the journal is lost
	}
	for _, w := range u.Workloads {
		group, resource := resourceOf(w.Ref)
		for _, verb := range []string{"get", "list", "watch"} {
			need = append(need, access{verb, group, resource, "", ns})
		}
		if w.Borrower != nil {
			group, resource := resourceOf(*w.Borrower)
			for _, verb := range []string{"get", "list", "watch"} {
				need = append(need, access{verb, group, resource, "", ns})
			}
		}
		if w.Probe {
			need = append(need, probeAccess(w)...)
		}
		if w.Kind == "StatefulSet" || w.Kind == "DaemonSet" { // update strategy OnDelete
			need = append(need, access{"create", "", "pods", "eviction", ns}, access{"get", "", "pods", "", ns},
				access{"list", "policy", "poddisruptionbudgets", "", ns}, access{"watch", "policy", "poddisruptionbudgets", "", ns})
		}
	}
	return sortedAccess(append(need, editAccess(u)...))
}

// probeAccess is what probes of an idle workload do.
func probeAccess(w Workload) []access {
	ns := w.Namespace
	need := []access{{"create", "batch", "jobs", "", ns}, {"delete", "batch", "jobs", "", ns}, {"get", "batch", "jobs", "", ns}}
	if w.Kind != "CronJob" {
		group, resource := resourceOf(scaledRef(w))
		need = append(need, access{"get", group, resource, "", ns}, access{"patch", group, resource, "scale", ns}, access{"list", "keda.sh", "scaledobjects", "", ns})
	}
	return need
}

// editAccess is what the edits write, and what each of them reads first.
func editAccess(u *Unit) []access {
	var need []access
	for _, s := range u.Steps {
		for _, e := range s.Edits {
			group, resource := resourceOf(e.Ref)
			need = append(need, access{"get", group, resource, "", e.Ref.Namespace})
			switch {
			case e.AddOn:
				need = append(need, access{"list", group, resource, "", e.Ref.Namespace}, access{"watch", group, resource, "", e.Ref.Namespace})
			case e.Git:
			case e.Verb == Delete:
				need = append(need, access{"delete", group, resource, "", e.Ref.Namespace},
					access{"create", group, resource, "", e.Ref.Namespace}, // the rollback makes it again
					access{"patch", group, resource, "", e.Ref.Namespace})  // a runner that takes over fences off deletions under way
			default:
				need = append(need, access{"patch", group, resource, "", e.Ref.Namespace})
			}
		}
	}
	return need
}

func sortedAccess(need []access) []access {
	slices.SortFunc(need, func(a, b access) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.group, b.group), cmp.Compare(a.full(), b.full()), cmp.Compare(a.verb, b.verb))
	})
	return slices.Compact(need)
}

// resourceOf names the resource of a kind by the convention that all kinds here follow: lower case, plural.
func resourceOf(r Ref) (group, resource string) {
	group, _, found := strings.Cut(r.APIVersion, "/")
	if !found {
		group = ""
	}
	resource = strings.ToLower(r.Kind)
	switch {
	case strings.HasSuffix(resource, "s"):
		return group, resource + "es"
	case strings.HasSuffix(resource, "y"):
		return group, strings.TrimSuffix(resource, "y") + "ies"
	}
	return group, resource + "s"
}
