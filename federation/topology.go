package federation

import (
	"fmt"

	"github.com/wimigrate/wimigrate/catalog"
)

// Names of the topologies, as ParseTopology reads them and plans carry them.
const (
	TopologyKeep        = "keep"
	TopologyPerWorkload = "per-workload"
	TopologyPerCluster  = "per-cluster"
)

// Topology says which identity each need of a fleet uses. Make one with KeepIdentities, PerWorkload, PerCluster or TopologyFunc.
type Topology struct {
	// Name identifies the topology in plans and comparisons.
	Name string
	// assign returns one identity per need of the catalog, by index; nil keeps them all.
	assign   func(cat *catalog.Catalog, scope string) []catalog.Identity
	regional bool
}

// KeepIdentities leaves every need the identity that its binding has today, so that no role assignment changes.
func KeepIdentities() Topology {
	return Topology{Name: TopologyKeep, assign: func(*catalog.Catalog, string) []catalog.Identity { return nil }}
}

// PerWorkload gives each service account one identity of its own, trusted by every cluster that it runs in. Identities are proposed:
// they and their role assignments have to be made. A service account that uses several identities in one cluster keeps as many.
func PerWorkload() Topology {
	return Topology{Name: TopologyPerWorkload, assign: assignPerWorkload}
}

// PerCluster gives all needs of a cluster one proposed identity, which trusts that cluster alone. Trust across regions is an error
// under it.
func PerCluster() Topology {
	return Topology{Name: TopologyPerCluster, assign: assignPerCluster, regional: true}
}

// TopologyFunc is a topology of the caller's own. The function must be pure; it returns the identity that the need shall use, such as
// one that [ProposeIdentity] made. The cluster is zero where the catalog does not hold it.
func TopologyFunc(name string, identity func(catalog.Need, catalog.Cluster) catalog.Identity) Topology {
	return Topology{Name: name, assign: func(cat *catalog.Catalog, _ string) []catalog.Identity {
		clusters := clustersByName(cat)
		ids := make([]catalog.Identity, len(cat.Needs))
		for i, n := range cat.Needs {
			ids[i] = identity(n, clusters[n.Cluster])
		}
		return ids
	}}
}

// ParseTopology returns the topology of that name: keep, per-workload or per-cluster.
func ParseTopology(name string) (Topology, error) {
	for _, t := range Topologies() {
		if t.Name == name {
			return t, nil
		}
	}
	return Topology{}, fmt.Errorf("federation: unknown topology %q: want %s, %s or %s", name, TopologyKeep, TopologyPerWorkload, TopologyPerCluster)
}

// Topologies returns the topologies that need no further argument, the default first.
func Topologies() []Topology {
	return []Topology{KeepIdentities(), PerWorkload(), PerCluster()}
}

// Identities returns the identities that the topology assigns to the needs of a catalog, by the needs' index. Scope is that of
// PlanOptions.
func (t Topology) Identities(cat *catalog.Catalog, scope string) []catalog.Identity {
	if t.assign != nil {
		if ids := t.assign(cat, scope); ids != nil {
			return ids
		}
	}
	ids := make([]catalog.Identity, len(cat.Needs))
	for i := range cat.Needs {
		ids[i] = cat.Needs[i].Identity
	}
	return ids
}

// assignment is which identity each need uses.
type assignment struct {
	cat *catalog.Catalog
	ids []catalog.Identity // nil: those that the needs have
}

func (t Topology) assignment(cat *catalog.Catalog, scope string) assignment {
	return assignment{cat, t.assign(cat, scope)}
}

func (a assignment) of(i int) *catalog.Identity {
	if a.ids != nil {
		return &a.ids[i]
	}
	return &a.cat.Needs[i].Identity
}

func clustersByName(cat *catalog.Catalog) map[string]catalog.Cluster {
	m := make(map[string]catalog.Cluster, len(cat.Clusters))
	for _, c := range cat.Clusters {
		m[c.Name] = c
	}
	return m
}
