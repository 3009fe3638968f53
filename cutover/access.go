package cutover

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/podidentity"
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
func accessOf(p *Plan, u *Unit) []access {
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
		{"list", "keda.sh", "clustertriggerauthentications", "", ""},
		{"list", "keda.sh", "scaledobjects", "", ns},
		{"list", "keda.sh", "scaledjobs", "", ns},
		{"list", "policy", "poddisruptionbudgets", "", ""}, // the webhook's
		{"list", "aadpodidentity.k8s.io", "azurepodidentityexceptions", "", ns},
	}
	for _, k := range templateKinds { // that nothing new needs the bindings
		group, resource := resourceOf(Ref{APIVersion: k.apiVersion, Kind: k.kind})
		need = append(need, access{"list", group, resource, "", ns}, access{"watch", group, resource, "", ns})
	}
	for _, r := range []access{{resource: "pods"}, {group: "apps", resource: "replicasets"}, {group: "apps", resource: "controllerrevisions"},
		{group: "batch", resource: "jobs"}, {group: "autoscaling", resource: "horizontalpodautoscalers"}} {
		need = append(need, access{"list", r.group, r.resource, "", ns}, access{"watch", r.group, r.resource, "", ns})
	}
	if p.Limits.InducePods > 0 {
		need = append(need, induceAccess(u)...)
	}
	for _, w := range u.Workloads {
		need = append(need, workloadAccess(w)...)
	}
	return sortedAccess(slices.Concat(need, oldPathAccess(p, u), editAccess(u)))
}

// oldPathAccess is what looks at Pod Identity: before anything is changed, before anything is taken back, and before anything is deleted.
func oldPathAccess(p *Plan, u *Unit) []access {
	need := []access{
		{"list", "aadpodidentity.k8s.io", "azureidentitybindings", "", u.Namespace},
		{"list", "aadpodidentity.k8s.io", "azureassignedidentities", "", ""},
		{"watch", "aadpodidentity.k8s.io", "azureassignedidentities", "", ""},
	}
	for _, r := range append(slices.Clone(u.Bindings), u.Identities...) { // those that are kept too: a rollback needs them
		group, resource := resourceOf(r)
		need = append(need, access{"get", group, resource, "", r.Namespace})
	}
	if c := p.Cluster(u.Cluster); c != nil && c.Mode == catalog.ModeStandard {
		need = append(need, access{"watch", "", "pods", "", ""}) // a binding serves pods of any namespace: a Runner with patience waits for them
		need = append(need, elsewhereAccess(u)...)
	}
	return need
}

// elsewhereAccess is what looks, before a binding is deleted, for templates of other namespaces that need it.
func elsewhereAccess(u *Unit) []access {
	unbinds := func(e Edit) bool { return e.Verb == Delete && e.Ref.Kind == podidentity.KindBinding }
	if !slices.ContainsFunc(u.Steps, func(s Step) bool { return slices.ContainsFunc(s.Edits, unbinds) }) {
		return nil
	}
	var need []access
	for _, k := range slices.Concat(templateKinds[:], knativeKinds[:]) {
		group, resource := resourceOf(Ref{APIVersion: k.apiVersion, Kind: k.kind})
		need = append(need, access{"list", group, resource, "", ""})
	}
	for _, r := range u.Identities {
		need = append(need, access{"get", "aadpodidentity.k8s.io", "azureidentities", "", r.Namespace})
	}
	return need
}

// workloadAccess is what looks at a workload and at the Argo Rollout that runs its template, what evicts its pods, and what probes it.
func workloadAccess(w Workload) []access {
	ns := w.Namespace
	var need []access
	for _, r := range []Ref{w.Ref, scaledRef(w)} {
		group, resource := resourceOf(r)
		for _, verb := range []string{"get", "list", "watch"} {
			need = append(need, access{verb, group, resource, "", ns})
		}
	}
	if w.Probe {
		need = append(need, probeAccess(w)...)
	}
	if indirect(w.Kind) {
		need = append(need, ownerAccess(w)...)
	}
	if w.Kind == "StatefulSet" || w.Kind == "DaemonSet" { // update strategy OnDelete, and the canary of a DaemonSet
		need = append(need, access{"create", "", "pods", "eviction", ns}, access{"get", "", "pods", "", ns},
			access{"list", "policy", "poddisruptionbudgets", "", ns}, access{"watch", "policy", "poddisruptionbudgets", "", ns})
	}
	return need
}

// induceAccess is what raises numbers for load, and puts them back.
func induceAccess(u *Unit) []access {
	ns := u.Namespace
	need := []access{{"get", "autoscaling", "horizontalpodautoscalers", "", ns}, {"patch", "autoscaling", "horizontalpodautoscalers", "", ns},
		{"get", "keda.sh", "scaledobjects", "", ns}, {"patch", "keda.sh", "scaledobjects", "", ns},
		{"list", "keda.sh", "scaledobjects", "", ns}} // to find what is raised when the journal is lost
	for _, w := range u.Workloads {
		if w.Kind != "DaemonSet" && w.Kind != "CronJob" && !leftToFinish(w.Kind) {
			group, resource := resourceOf(scaledRef(w))
			need = append(need, access{"patch", group, resource, "", ns})
		}
	}
	return need
}

// journalAccess is what a [ConfigMapJournal] in a namespace does there; nothing for no namespace.
func journalAccess(ns string) []access {
	if ns == "" {
		return nil
	}
	return []access{
		{"create", "", "configmaps", "", ns}, {"get", "", "configmaps", "", ns}, {"list", "", "configmaps", "", ns}, {"patch", "", "configmaps", "", ns},
		{"create", "coordination.k8s.io", "leases", "", ns}, {"patch", "coordination.k8s.io", "leases", "", ns},
	}
}

// ownerAccess is what it takes to go from a pod to the custom resource that it belongs to. What stands between is known for Knative; for
// other kinds it may be built-in ones, and what else it is a person must grant.
func ownerAccess(w Workload) []access {
	need := []access{{"get", "apps", "replicasets", "", w.Namespace}, {"get", "apps", "deployments", "", w.Namespace},
		{"get", "apps", "statefulsets", "", w.Namespace}, {"get", "batch", "jobs", "", w.Namespace}}
	if group, _ := resourceOf(w.Ref); group == "serving.knative.dev" {
		need = append(need, access{"get", group, "configurations", "", w.Namespace}, access{"get", group, "revisions", "", w.Namespace})
		for _, verb := range []string{"list", "watch"} {
			need = append(need, access{verb, group, "configurations", "", w.Namespace}, access{verb, group, "routes", "", w.Namespace})
		}
	}
	return need
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
			case e.Git || e.Manual: // a Runner with patience watches for the change; preflight tries it as a dry run, and a rollback does not wait for a person
				need = append(need, access{"list", group, resource, "", e.Ref.Namespace}, access{"watch", group, resource, "", e.Ref.Namespace},
					access{"patch", group, resource, "", e.Ref.Namespace})
			case s.Kind == StepResume: // which waits until the tool has reconciled
				need = append(need, access{"list", group, resource, "", e.Ref.Namespace}, access{"watch", group, resource, "", e.Ref.Namespace},
					access{"patch", group, resource, "", e.Ref.Namespace})
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

// place names where an access is needed; "" is the whole cluster.
func (a access) place() string {
	if a.namespace == "" {
		return ""
	}
	return "Namespace/" + a.namespace
}
