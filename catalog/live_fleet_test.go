package catalog_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
)

// serveSnapshot puts a cluster that was built into an API server, built-in kinds typed, custom resources as they are written.
func serveSnapshot(t *testing.T, snap *catalog.Snapshot) *apiServer {
	t.Helper()
	s := newAPIServer(t)
	s.issuer = snap.Cluster.Issuer
	defined := map[string]bool{}
	for _, file := range catalogtest.Manifests(snap) {
		var list struct{ Items []json.RawMessage }
		if err := yaml.Unmarshal(file.Data, &list); err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Items {
			u := &unstructured.Unstructured{}
			if err := json.Unmarshal(item, &u.Object); err != nil {
				t.Fatal(err)
			}
			gv, kind := u.GetAPIVersion(), u.GetKind()
			if typed, _, err := scheme.Codecs.UniversalDeserializer().Decode(item, nil, nil); err == nil {
				s.add(gv, kind, typed.(apiObject))
				continue
			}
			if !defined[gv+kind] {
				defined[gv+kind] = true
				s.define(gv, kind)
			}
			s.add(gv, kind, u)
		}
	}
	return s
}

func TestLiveReadsRandomFleetsAsTheyWereBuilt(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			fleet := catalogtest.Random(seed, nil)
			var sources []catalog.Source
			for _, snap := range fleet.Snapshots {
				s := serveSnapshot(t, snap)
				sources = append(sources, catalog.Live(snap.Cluster.Name, s.config(), &catalog.LiveOptions{Cluster: snap.Cluster, Heuristics: true}))
			}
			cat, err := catalog.Scan(t.Context(), sources, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, difference := range fleet.Truth.Check(cat) {
				t.Error(difference)
			}
			for _, c := range cat.Clusters {
				if !c.Coverage.Complete {
					t.Errorf("%s: %v", c.Name, c.Coverage.Gaps)
				}
			}
		})
	}
}
