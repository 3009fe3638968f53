package catalog_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
)

func TestViewsAndCountsAddUp(t *testing.T) {
	for seed := range uint64(10) {
		c, err := catalog.Reconcile(catalogtest.Random(seed, nil).Snapshots, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := c.Counts()
		equal := func(what string, got, want int) {
			if got != want {
				t.Errorf("seed %d: %s: %d, want %d", seed, what, got, want)
			}
		}
		equal("states", sum(maps.Values(n.ByState)), n.Needs)
		equal("severities", sum(maps.Values(n.BySeverity)), n.Findings)
		equal("codes", sum(maps.Values(n.ByCode)), n.Findings)
		needs, findings := 0, 0
		for _, cluster := range n.PerCluster {
			needs, findings = needs+cluster.Needs, findings+cluster.Findings
		}
		equal("needs per cluster", needs, n.Needs)
		equal("findings per cluster", findings, n.Findings)
		equal("clusters", len(n.PerCluster), n.Clusters)
		equal("needs by namespace", total(c.ByNamespace()), n.Needs)
		equal("needs by identity", total(c.ByIdentity()), n.Needs)
		equal("needs by cluster", total(c.ByCluster()), n.Needs)
		equal("needs in the matrix", distinctInMatrix(c), n.Needs)
		workloads := 0
		for _, need := range c.Needs {
			workloads += len(need.Workloads)
		}
		equal("needs by workload", total(c.ByWorkload()), workloads)
	}
}

func sum(seq func(func(int) bool)) int {
	out := 0
	for n := range seq {
		out += n
	}
	return out
}

func total[K any](seq func(func(K, []catalog.Need) bool)) int {
	out := 0
	for _, needs := range seq {
		out += len(needs)
	}
	return out
}

func distinctInMatrix(c *catalog.Catalog) int {
	seen := map[string]bool{}
	for _, row := range c.Matrix(nil).Rows {
		for _, cell := range row.Cells {
			for _, n := range cell {
				seen[fmt.Sprint(n.Cluster, n.Namespace, n.ServiceAccount, n.Identity.Key())] = true
			}
		}
	}
	return len(seen)
}

func TestViewsStopWhenAsked(t *testing.T) {
	c := small(t)
	for range c.ByCluster() {
		break
	}
	for range c.ByNamespace() {
		break
	}
	for range c.ByIdentity() {
		break
	}
	for range c.ByWorkload() {
		break
	}
}

func TestCompleteMeansEveryReadSucceeded(t *testing.T) {
	whole := catalogtest.NewCluster("a", "").Snapshot()
	part := catalogtest.NewCluster("b", "").Edit(gap("pods")).Snapshot()
	silent := catalogtest.NewCluster("c", "").Edit(func(s *catalog.Snapshot) { s.Cluster.Coverage = catalog.Coverage{} }).Snapshot()
	for _, tc := range []struct {
		snaps []*catalog.Snapshot
		want  bool
	}{{[]*catalog.Snapshot{whole}, true}, {[]*catalog.Snapshot{whole, part}, false}, {[]*catalog.Snapshot{silent}, false}} {
		c, err := catalog.Reconcile(tc.snaps, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.Complete() != tc.want {
			t.Errorf("complete: %v", c.Complete())
		}
	}
}
