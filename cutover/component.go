package cutover

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// component is a set of needs that must move together.
type component struct {
	cluster, namespace string
	needs              []catalog.Need
}

// components splits the needs that still use Pod Identity into connected components within each (cluster, namespace): two needs hang
// together when they share a service account, a workload, a label value, a binding or an identity.
func components(needs []catalog.Need) []component {
	byPlace := map[[2]string][]catalog.Need{}
	for _, n := range needs {
		if n.State == catalog.StateWorkloadIdentity && len(n.Bindings) == 0 {
			continue
		}
		place := [2]string{n.Cluster, n.Namespace}
		byPlace[place] = append(byPlace[place], n)
	}
	var out []component
	for place, group := range byPlace {
		slices.SortFunc(group, compareNeeds)
		for _, set := range connect(group) {
			out = append(out, component{cluster: place[0], namespace: place[1], needs: set})
		}
	}
	slices.SortFunc(out, func(a, b component) int {
		return cmp.Or(cmp.Compare(a.cluster, b.cluster), cmp.Compare(a.namespace, b.namespace), compareNeeds(a.needs[0], b.needs[0]))
	})
	return out
}

// connect groups needs by the names they share (union-find); groups and members keep the order of the input.
func connect(needs []catalog.Need) [][]catalog.Need {
	parent := make([]int, len(needs))
	for i := range parent {
		parent[i] = i
	}
	var find func(int) int
	find = func(i int) int {
		if parent[i] != i {
			parent[i] = find(parent[i])
		}
		return parent[i]
	}
	first := map[string]int{}
	for i, n := range needs {
		for _, name := range joints(n) {
			if j, ok := first[name]; ok {
				a, b := find(j), find(i)
				parent[max(a, b)] = min(a, b)
			} else {
				first[name] = i
			}
		}
	}
	index := map[int]int{}
	var out [][]catalog.Need
	for i, n := range needs {
		root := find(i)
		at, ok := index[root]
		if !ok {
			at = len(out)
			index[root] = at
			out = append(out, nil)
		}
		out[at] = append(out[at], n)
	}
	return out
}

// joints are the names by which a need hangs together with others.
func joints(n catalog.Need) []string {
	out := []string{"serviceaccount\x00" + n.ServiceAccount, "identity\x00" + n.Identity.Key()}
	if n.Selector != "" {
		out = append(out, "label\x00"+n.Selector)
	}
	for _, b := range n.Bindings {
		out = append(out, "binding\x00"+b)
	}
	for _, w := range n.Workloads {
		out = append(out, "workload\x00"+w.APIVersion+"\x00"+w.Kind+"\x00"+w.Name)
	}
	return out
}

func compareNeeds(a, b catalog.Need) int {
	return cmp.Or(
		cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.ServiceAccount, b.ServiceAccount),
		cmp.Compare(a.Identity.Key(), b.Identity.Key()), cmp.Compare(a.Selector, b.Selector),
		slices.Compare(a.Bindings, b.Bindings), cmp.Compare(strings.Join(workloadNames(a), ","), strings.Join(workloadNames(b), ",")),
	)
}

func workloadNames(n catalog.Need) []string {
	out := make([]string, 0, len(n.Workloads))
	for _, w := range n.Workloads {
		out = append(out, w.APIVersion+" "+w.String())
	}
	slices.Sort(out)
	return out
}
