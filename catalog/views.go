package catalog

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// Place is a namespace of a cluster.
type Place struct {
	Cluster   string `json:"cluster"`
	Namespace string `json:"namespace"`
}

// WorkloadID is a workload of the fleet.
type WorkloadID struct {
	Place
	WorkloadRef
}

// ByCluster yields every cluster with its needs, also those that have none, by name.
func (c *Catalog) ByCluster() iter.Seq2[Cluster, []Need] {
	return func(yield func(Cluster, []Need) bool) {
		needs := map[string][]Need{}
		for _, n := range c.Needs {
			needs[n.Cluster] = append(needs[n.Cluster], n)
		}
		for _, cluster := range slices.SortedFunc(slices.Values(c.Clusters), compareClusters) {
			if !yield(cluster, needs[cluster.Name]) {
				return
			}
		}
	}
}

// ByNamespace yields every namespace that has needs, by cluster and name.
func (c *Catalog) ByNamespace() iter.Seq2[Place, []Need] {
	return group(c.Needs, comparePlaces, func(n Need) []Place { return []Place{{n.Cluster, n.Namespace}} })
}

// ByIdentity yields every identity with its needs in all clusters, by [Identity.Key]. Where clusters spell one identity differently,
// the first need's spelling is given.
func (c *Catalog) ByIdentity() iter.Seq2[Identity, []Need] {
	return func(yield func(Identity, []Need) bool) {
		byKey := group(c.Needs, strings.Compare, func(n Need) []string { return []string{n.Identity.Key()} })
		for _, needs := range byKey {
			if !yield(needs[0].Identity, needs) {
				return
			}
		}
	}
}

// ByWorkload yields every workload with its needs, by cluster, namespace, kind and name. A need with several workloads comes under
// each of them.
func (c *Catalog) ByWorkload() iter.Seq2[WorkloadID, []Need] {
	compare := func(a, b WorkloadID) int {
		return cmp.Or(comparePlaces(a.Place, b.Place), compareRefs(a.WorkloadRef, b.WorkloadRef))
	}
	return group(c.Needs, compare, func(n Need) []WorkloadID {
		out := make([]WorkloadID, 0, len(n.Workloads))
		for _, w := range n.Workloads {
			out = append(out, WorkloadID{Place{n.Cluster, n.Namespace}, w})
		}
		return out
	})
}

// group yields the needs under each of their keys, keys in order, needs in the catalog's order.
func group[K comparable](needs []Need, compare func(a, b K) int, keys func(Need) []K) iter.Seq2[K, []Need] {
	return func(yield func(K, []Need) bool) {
		groups := map[K][]Need{}
		var order []K
		for _, n := range needs {
			for _, k := range keys(n) {
				if groups[k] == nil {
					order = append(order, k)
				}
				groups[k] = append(groups[k], n)
			}
		}
		slices.SortFunc(order, compare)
		for _, k := range order {
			if !yield(k, groups[k]) {
				return
			}
		}
	}
}

func comparePlaces(a, b Place) int {
	return cmp.Or(strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Namespace, b.Namespace))
}
