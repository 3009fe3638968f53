package catalog_test

import (
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
)

func TestUpdateStrategiesAreReadFromFilesAndFromAPIServersAlike(t *testing.T) {
	c := catalogtest.NewCluster("a", "")
	want := map[string]string{}
	for kind, strategies := range map[string][]string{
		"Deployment": {"", "RollingUpdate", "Recreate"}, "StatefulSet": {"", "RollingUpdate", "OnDelete"}, "DaemonSet": {"", "RollingUpdate", "OnDelete"},
	} {
		for _, s := range strategies {
			ns := strings.ToLower("shop" + s + kind)
			c.Workload(kind, ns, "web", "web", catalogtest.Label("web"), catalogtest.Strategy(s))
			if want[ns] = s; s == "RollingUpdate" { // the default, which an API server spells out
				want[ns] = ""
			}
		}
	}
	snap := c.Snapshot()
	for from, source := range map[string]catalog.Source{
		"files":  catalog.Files("a", catalogtest.Manifests(snap), &catalog.FilesOptions{Cluster: snap.Cluster}),
		"server": catalog.Live("a", serveSnapshot(t, snap).config(), &catalog.LiveOptions{Cluster: snap.Cluster}),
	} {
		got, err := source.Read(t.Context())
		if err != nil || len(got.Workloads) != len(want) {
			t.Fatalf("%s: %d workloads: %v", from, len(got.Workloads), err)
		}
		for _, w := range got.Workloads {
			if w.Strategy != want[w.Namespace] {
				t.Errorf("from %s the strategy of %s in %s is %q, want %q", from, w.Kind, w.Namespace, w.Strategy, want[w.Namespace])
			}
		}
	}
}
