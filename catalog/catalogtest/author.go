package catalogtest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/wimigrate/wimigrate/catalog"
)

// author builds a fleet and writes down its truth on the way, from what it puts in, not from what a catalog makes of it.
type author struct {
	rng      *rand.Rand
	clusters []*Cluster
	truth    Truth
}

// application is one use of an identity. Zero fields have the words in brackets.
type application struct {
	kind      string // Deployment
	account   string // the application's name; "-" for none
	azure     string // NAMESPACE-NAME
	annotated string // client ID on the service account; "-" leaves the service account out
	edit      []func(*catalog.Workload)
	state     catalog.State // podIdentity
}

// app adds a clean application and the need behind it.
func (a *author) app(c *Cluster, namespace, name string, o application) {
	label := namespace + "-" + name
	azure := label
	if o.azure != "" {
		azure = o.azure
	}
	c.Identity(namespace, name, azure).Binding(namespace, name+"-binding", name, label)
	account := a.run(c, namespace, name, label, o)
	a.need(c, catalog.Need{Namespace: namespace, ServiceAccount: account, Identity: identity(name, azure), State: o.state,
		Bindings: []string{name + "-binding"}, Selector: label, Workloads: []catalog.WorkloadRef{ref(o.kind, name)}})
}

// run adds the workload of an application and its service account, and returns the account's name.
func (a *author) run(c *Cluster, namespace, name, label string, o application) string {
	kind, account := "Deployment", name
	if o.kind != "" {
		kind = o.kind
	}
	switch o.account {
	case "":
	case "-":
		account = ""
	default:
		account = o.account
	}
	if account != "" && o.annotated != "-" && !c.hasAccount(namespace, account) {
		c.Account(namespace, account, o.annotated)
	}
	edit := o.edit
	if label != "" {
		edit = append([]func(*catalog.Workload){Label(label)}, edit...)
	}
	c.Workload(kind, namespace, name, account, edit...)
	if account == "" {
		account = "default"
	}
	return account
}

func (c *Cluster) hasAccount(namespace, name string) bool {
	return slices.ContainsFunc(c.snap.ServiceAccounts, func(a catalog.ServiceAccount) bool { return a.Namespace == namespace && a.Name == name })
}

func (c *Cluster) name() string { return c.snap.Cluster.Name }

// need writes down a need; one of the same key is extended.
func (a *author) need(c *Cluster, n catalog.Need) {
	n.Cluster = c.name()
	if n.State == "" {
		n.State = catalog.StatePodIdentity
	}
	if n.Bindings == nil {
		n.Bindings = []string{}
	}
	for i := range a.truth.Needs {
		if have := &a.truth.Needs[i]; needKey(*have) == needKey(n) {
			have.Bindings = union(have.Bindings, n.Bindings)
			for _, w := range n.Workloads {
				if !slices.Contains(have.Workloads, w) {
					have.Workloads = append(have.Workloads, w)
				}
			}
			return
		}
	}
	a.truth.Needs = append(a.truth.Needs, n)
}

func union(a, b []string) []string {
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}

func (a *author) plant(c *Cluster, code catalog.Code, namespace, kind, name string) {
	a.truth.Planted = append(a.truth.Planted, Planted{code, c.name(), namespace, kind + "/" + name})
}

func (a *author) clean(c *Cluster, namespace string) {
	a.truth.Clean = append(a.truth.Clean, catalog.Place{Cluster: c.name(), Namespace: namespace})
}

// each runs a function for every cluster.
func (a *author) each(f func(c *Cluster)) {
	for _, c := range a.clusters {
		f(c)
	}
}

func (a *author) fleet() *Fleet {
	f := &Fleet{Truth: a.truth}
	for _, c := range a.clusters {
		f.Snapshots = append(f.Snapshots, c.Snapshot())
	}
	return f
}

func identity(name, azure string) catalog.Identity {
	return catalog.Identity{Kind: catalog.UserAssigned, Name: name, ResourceID: ResourceID(azure), ClientID: ClientID(azure)}
}

func ref(kind, name string) catalog.WorkloadRef {
	if kind == "" {
		kind = "Deployment"
	}
	apiVersion, _ := kinds(kind)
	return catalog.WorkloadRef{APIVersion: apiVersion, Kind: kind, Name: name}
}

// newAuthor lays out clusters over regions, each in a mode of its own, told by the flags of its NMI.
func newAuthor(seed uint64, regions []string, perRegion int, modes bool) *author {
	a := &author{rng: rand.New(rand.NewPCG(seed, 0x5eed))}
	for _, region := range regions {
		for i := range perRegion {
			c := NewCluster(fmt.Sprintf("aks-%s-%02d", region, i+1), region).Node("node-0").Namespace("default")
			nmi := catalog.Component{Meta: meta("apps/v1", "DaemonSet", "kube-system", "nmi"), Role: "nmi"}
			if modes {
				switch a.rng.IntN(4) {
				case 0:
					nmi.Managed, nmi.ForceNamespaced = true, true
				case 1:
					nmi.ForceNamespaced = true
				}
			}
			c.Edit(func(s *catalog.Snapshot) { s.Components = []catalog.Component{nmi} })
			a.clusters = append(a.clusters, c)
		}
	}
	return a
}

// standard reports whether bindings of a cluster match across namespaces.
func (c *Cluster) standard() bool { return !c.snap.Components[0].ForceNamespaced }
