package catalog

import (
	"slices"
	"strings"
)

// Matrix shows the fleet side by side: one row for each binding and service account, one column for each cluster. An empty cell is
// a cluster that does not use the binding: the drift that nobody sees from inside one cluster.
type Matrix struct {
	// Clusters are the columns, by name.
	Clusters []string
	Rows     []MatrixRow
}

// MatrixRow is one use of a binding. Binding is empty for needs on Workload Identity alone.
type MatrixRow struct {
	LogicalKey
	// Cells has, per cluster, the needs; more than one only where pods reach several identities.
	Cells [][]Need
}

// Matrix lays out the catalog's needs. A need with several bindings is in the row of each, so a need is in the matrix at least once.
// logical maps keys to the fleet's own, as [Options.LogicalKey] does; nil keeps the names.
func (c *Catalog) Matrix(logical func(Cluster, LogicalKey) LogicalKey) Matrix {
	o := (&Options{LogicalKey: logical}).withDefaults()
	var m Matrix
	column := map[string]int{}
	clusters := map[string]Cluster{}
	for _, cluster := range slices.SortedFunc(slices.Values(c.Clusters), compareClusters) {
		column[cluster.Name] = len(m.Clusters)
		clusters[cluster.Name] = cluster
		m.Clusters = append(m.Clusters, cluster.Name)
	}
	rows := map[LogicalKey]*MatrixRow{}
	for _, n := range c.Needs {
		i, known := column[n.Cluster]
		if !known {
			continue // a need of a cluster that the catalog does not list belongs to no column
		}
		for _, k := range n.keys() {
			k = o.LogicalKey(clusters[n.Cluster], k)
			row := rows[k]
			if row == nil {
				row = &MatrixRow{LogicalKey: k, Cells: make([][]Need, len(m.Clusters))}
				rows[k] = row
			}
			row.Cells[i] = append(row.Cells[i], n)
		}
	}
	for _, row := range rows {
		m.Rows = append(m.Rows, *row)
	}
	slices.SortFunc(m.Rows, func(a, b MatrixRow) int { return compareLogical(a.LogicalKey, b.LogicalKey) })
	return m
}

// keys are the uses of bindings behind a need.
func (n Need) keys() []LogicalKey {
	if len(n.Bindings) == 0 {
		return []LogicalKey{{Namespace: n.Namespace, ServiceAccount: n.ServiceAccount}}
	}
	out := make([]LogicalKey, 0, len(n.Bindings))
	for _, b := range n.Bindings {
		namespace, name, across := strings.Cut(b, "/")
		if !across {
			namespace, name = n.Namespace, b
		}
		out = append(out, LogicalKey{namespace, name, n.ServiceAccount})
	}
	return out
}
