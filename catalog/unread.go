package catalog

import "strings"

// read is something that a rule can depend on.
type read string

const (
	readIdentities read = "azureidentities"
	readBindings   read = "azureidentitybindings"
	readAssigned   read = "azureassignedidentities"
	readExceptions read = "azurepodidentityexceptions"
	readAccounts   read = "serviceaccounts"
	readNamespaces read = "namespaces"
	readNodes      read = "nodes"
	readPods       read = "pods"
	readTemplates  read = "templates" // every kind that holds a pod template
	readCSI        read = "secretproviderclasses"
	readKEDA       read = "triggerauthentications"
	readARM        read = "arm"
	readIssuer     read = "issuer" // no rule of the catalog depends on it
	readAll        read = "all"
)

// unread knows which reads of a cluster cannot be relied on: those that failed, everywhere, and those of which an object was lost, in
// its namespace. What is absent from them is unknown.
type unread struct {
	everywhere map[read]bool
	in         map[read]map[string]bool
}

func newUnread(s *Snapshot) unread {
	u := unread{everywhere: map[read]bool{}, in: map[read]map[string]bool{}}
	cov := s.Cluster.Coverage
	if s.ARMOnly || !cov.Complete && len(cov.Gaps) == 0 {
		u.everywhere[readAll] = true
	}
	if len(s.ServiceAccounts) == 0 {
		u.everywhere[readAccounts] = true // every namespace of a cluster has one, so nobody dumped them
	}
	for _, g := range cov.Gaps {
		u.everywhere[readOfResource(g.Resource)] = true
	}
	for _, m := range s.Malformed {
		u.lost(m)
	}
	return u
}

// lost takes note of an object that could not be used. One whose name no API server accepts cannot be in a cluster: nothing is lost.
func (u unread) lost(m Malformed) {
	kind, name, found := strings.Cut(m.Object, "/")
	if found && name != "" && !validName(name) || m.Namespace != "" && !validNamespace(m.Namespace) {
		return
	}
	r := readAll
	if found {
		r = readOfKind(kind)
	}
	if m.Namespace == "" {
		u.everywhere[r] = true
		return
	}
	if u.in[r] == nil {
		u.in[r] = map[string]bool{}
	}
	u.in[r][m.Namespace] = true
}

// knows reports whether absence from r, in a namespace or with "" in all of them, means absence.
func (u unread) knows(r read, namespace string) bool {
	for _, r := range []read{r, readAll} {
		if u.everywhere[r] || namespace == "" && len(u.in[r]) > 0 || u.in[r][namespace] {
			return false
		}
	}
	return true
}

// Knows reports whether the absence of an object of a resource means that there is none: whether no gap is of that resource, or of
// something that may have held it. Resources are called as kubectl and RBAC call them: "serviceaccounts", "pods", "deployments.apps".
// Kinds with a pod template count as one, since any of them may own a pod.
func (c Coverage) Knows(resources ...string) bool { return c.KnowsIn("", resources...) }

// KnowsIn is [Coverage.Knows] for one namespace: gaps of single objects of other namespaces do not count.
func (c Coverage) KnowsIn(namespace string, resources ...string) bool {
	if !c.Complete && len(c.Gaps) == 0 {
		return false
	}
	for _, g := range c.Gaps {
		if namespace != "" && g.Namespace != "" && g.Namespace != namespace {
			continue
		}
		r, some := g.read()
		for _, resource := range resources {
			if some && (r == readAll || r == readOfResource(resource)) {
				return false
			}
		}
	}
	return true
}

// read sorts a gap of a catalog, which may be of one object; false for one that no API server accepts, and that hides nothing.
func (g Gap) read() (read, bool) {
	kind, name, found := strings.Cut(g.Resource, "/")
	if !found || kind == "" || kind[0] < 'A' || kind[0] > 'Z' {
		return readOfResource(g.Resource), true
	}
	return readOfKind(kind), name == "" || validName(name)
}

// readOfResource sorts the resource of a gap: "bindings.group", an ARM resource ID, or a file, which may have held anything.
func readOfResource(resource string) read {
	lower := strings.ToLower(resource)
	if strings.HasPrefix(lower, "/subscriptions/") || strings.HasPrefix(lower, "arm:") {
		return readARM
	}
	if lower == "issuer" || strings.HasPrefix(lower, "/.well-known/") {
		return readIssuer
	}
	plural, _, _ := strings.Cut(lower, ".")
	switch r := read(plural); r {
	case readIdentities, readBindings, readAssigned, readExceptions, readAccounts, readNamespaces, readNodes, readPods, readCSI, readKEDA:
		if lower == plural || strings.Contains(lower, ".k8s.io") || strings.HasSuffix(lower, ".keda.sh") {
			return r
		}
	default: // no plural of ours alone
	}
	if lower == "clustertriggerauthentications.keda.sh" {
		return readKEDA
	}
	if templateResource(lower) {
		return readTemplates
	}
	return readAll
}

// templateResource reports whether a resource holds pod templates and nothing else that matters.
func templateResource(resource string) bool {
	switch resource {
	case "deployments.apps", "statefulsets.apps", "daemonsets.apps", "replicasets.apps", "replicationcontrollers", "jobs.batch",
		"cronjobs.batch", "rollouts.argoproj.io", "workflows.argoproj.io", "cronworkflows.argoproj.io", "workflowtemplates.argoproj.io",
		"clusterworkflowtemplates.argoproj.io", "services.serving.knative.dev", "configurations.serving.knative.dev",
		"revisions.serving.knative.dev", "scaledjobs.keda.sh", "taskruns.tekton.dev", "pipelineruns.tekton.dev",
		"sparkapplications.sparkoperator.k8s.io", "scheduledsparkapplications.sparkoperator.k8s.io", "flinkdeployments.flink.apache.org",
		"customresourcedefinitions.apiextensions.k8s.io":
		return true
	}
	return false
}

// readOfKind sorts the kind of an object that could not be used.
func readOfKind(kind string) read {
	switch kind {
	case "AzureIdentity":
		return readIdentities
	case "AzureIdentityBinding":
		return readBindings
	case "AzureAssignedIdentity":
		return readAssigned
	case "AzurePodIdentityException":
		return readExceptions
	case "ServiceAccount":
		return readAccounts
	case "Namespace":
		return readNamespaces
	case "Node":
		return readNodes
	case "Pod":
		return readPods
	case "SecretProviderClass":
		return readCSI
	case "TriggerAuthentication", "ClusterTriggerAuthentication":
		return readKEDA
	case "", "List":
		return readAll
	}
	return readTemplates
}
