package catalog

import (
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// key names an object of a kind inside a cluster.
type key struct{ namespace, name string }

// estate is one snapshot made ready to be joined: valid, unique, sorted, indexed. Its pointers lead into the snapshot, which is
// never written to.
type estate struct {
	snap    *Snapshot
	cluster Cluster
	unread  unread
	invalid []Malformed

	identities []*AzureIdentity
	identity   map[key]*AzureIdentity
	byClient   map[string][]*AzureIdentity
	bindings   []*AzureIdentityBinding
	bySelector map[string][]*AzureIdentityBinding
	bindingsIn map[string][]*AzureIdentityBinding
	exceptions map[string][]*Exception
	accounts   map[key]*ServiceAccount
	windows    map[string]bool // nodes
	workloads  []*Workload
	owners     owners
	// shared are templates of the whole cluster, such as ClusterWorkflowTemplates: whoever uses them runs the pods, in any namespace.
	shared []*Workload

	// The joins, filled by match.
	fleet   *fleet
	matched map[key]*route
	apps    []*app
	used    map[*AzureIdentityBinding]bool
	guests  map[*AzureIdentityBinding][]string
	needed  []Need
	// compared counts the searches for the nearest selector.
	compared int
}

func newEstate(s *Snapshot) *estate {
	e := &estate{snap: s, matched: map[key]*route{}, used: map[*AzureIdentityBinding]bool{}, guests: map[*AzureIdentityBinding][]string{}}
	e.identities = unique[AzureIdentity](s.Identities, podidentity.KindIdentity, &e.invalid)
	e.bindings = unique[AzureIdentityBinding](s.Bindings, podidentity.KindBinding, &e.invalid)
	e.workloads = unique[Workload](e.inNamespaces(s.Workloads), "Workload", &e.invalid)
	e.unread = newUnread(s)
	e.addFromAddOn()
	e.cluster = e.readCluster()
	e.index()
	return e
}

func (e *estate) index() {
	e.identity = map[key]*AzureIdentity{}
	e.byClient = map[string][]*AzureIdentity{}
	for _, id := range e.identities {
		e.identity[id.key()] = id
		if id.ClientID != "" {
			e.byClient[fold(id.ClientID)] = append(e.byClient[fold(id.ClientID)], id)
		}
	}
	e.bySelector = map[string][]*AzureIdentityBinding{}
	e.bindingsIn = map[string][]*AzureIdentityBinding{}
	for _, b := range e.bindings {
		e.bindingsIn[b.Namespace] = append(e.bindingsIn[b.Namespace], b)
		if b.Selector != "" {
			e.bySelector[b.Selector] = append(e.bySelector[b.Selector], b)
		}
	}
	e.exceptions = map[string][]*Exception{}
	for _, x := range unique[Exception](e.snap.Exceptions, podidentity.KindException, &e.invalid) {
		e.exceptions[x.Namespace] = append(e.exceptions[x.Namespace], x)
	}
	e.accounts = map[key]*ServiceAccount{}
	for _, a := range unique[ServiceAccount](e.snap.ServiceAccounts, "ServiceAccount", &e.invalid) {
		e.accounts[a.key()] = a
	}
	e.owners = newOwners(e.workloads)
	e.windows = map[string]bool{}
	for i := range e.snap.Nodes {
		if n := &e.snap.Nodes[i]; n.Windows {
			e.windows[n.Name] = true
		}
	}
}

// inNamespaces sets aside the workloads that belong to no namespace. No other kind that holds a pod template is without one.
func (e *estate) inNamespaces(all []Workload) []Workload {
	wide := func(w Workload) bool { return w.Namespace == "" && strings.HasPrefix(w.Kind, "Cluster") }
	if !slices.ContainsFunc(all, wide) {
		return all
	}
	out := make([]Workload, 0, len(all))
	for i := range all {
		if wide(all[i]) {
			e.shared = append(e.shared, &all[i])
		} else {
			out = append(out, all[i])
		}
	}
	return out
}

// readCluster copies what the snapshot says of its cluster, made to survive JSON, with the mode told from the facts.
func (e *estate) readCluster() Cluster {
	c := e.snap.Cluster
	c.Name, c.Region, c.ResourceID, c.Issuer, c.UID = text(c.Name), text(c.Region), text(c.ResourceID), text(c.Issuer), text(c.UID)
	c.PodIdentityMode = e.mode()
	gaps := make([]Gap, 0, len(c.Coverage.Gaps))
	for _, g := range c.Coverage.Gaps {
		gaps = append(gaps, Gap{Resource: text(g.Resource), Namespace: text(g.Namespace), Reason: text(g.Reason)})
	}
	if len(gaps) == 0 && !c.Coverage.Complete {
		gaps = append(gaps, Gap{Resource: "cluster", Reason: "the snapshot is marked incomplete and does not say why"})
	}
	if e.snap.ARMOnly {
		gaps = append(gaps, Gap{Resource: "cluster", Reason: "ARM alone was read; join it with a source of the cluster itself"})
	}
	c.Coverage = coverageOf(gaps)
	return c
}

// leftOut is the coverage of the cluster with the objects that could not be used: they lower it as a failed read does. A document of
// which nothing is known has a finding as a gap; the others have one each as malformed objects.
func (e *estate) leftOut() Coverage {
	gaps := slices.Clone(e.cluster.Coverage.Gaps)
	for _, m := range e.malformed() {
		gaps = append(gaps, m.gap())
	}
	return coverageOf(gaps)
}

func (m Malformed) gap() Gap {
	if m.Object == "" {
		return Gap{Resource: text(m.Origin), Reason: text(m.Reason)}
	}
	return Gap{Resource: text(m.Object), Namespace: text(m.Namespace), Reason: text(malformedMessage(m))}
}

func coverageOf(gaps []Gap) Coverage {
	slices.SortFunc(gaps, compareGaps)
	gaps = slices.Compact(gaps)
	return Coverage{Complete: len(gaps) == 0, Gaps: gaps}
}

// region returns the cluster's region for comparison; empty when unknown.
func (e *estate) region() string { return normalRegion(e.cluster.Region) }
