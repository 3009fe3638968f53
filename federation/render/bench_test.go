package render_test

import (
	"fmt"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation/render"
)

// BenchmarkRender renders and reads back 10,000 triples: 100 clusters with 100 service accounts each, every one with its own identity.
func BenchmarkRender(b *testing.B) {
	cat := &catalog.Catalog{}
	for c := range 100 {
		cluster := clusterNamed(fmt.Sprintf("aks-%03d", c), "eastus", c)
		cat.Clusters = append(cat.Clusters, cluster)
		for n := range 100 {
			cat.Needs = append(cat.Needs, catalog.Need{
				Cluster: cluster.Name, Namespace: "shop", ServiceAccount: fmt.Sprintf("app-%03d", n), Identity: managed(fmt.Sprintf("app-%03d-%d", n, c/20), subscription1, n),
			})
		}
	}
	plan := planOf(b, cat, nil, nil)
	issuers := issuersOf(cat)
	b.Run("terraform", func(b *testing.B) {
		for b.Loop() {
			files, err := render.Terraform(plan, cat, nil)
			if err != nil {
				b.Fatal(err)
			}
			if got, err := render.ReadTerraform(files, issuers, nil); err != nil || len(got) != 10_000 {
				b.Fatal(len(got), err)
			}
		}
	})
	b.Run("aso", func(b *testing.B) {
		for b.Loop() {
			files, err := render.ASO(plan, cat, nil)
			if err != nil {
				b.Fatal(err)
			}
			if got, err := render.ReadYAML(files, issuers, nil); err != nil || len(got) != 10_000 {
				b.Fatal(len(got), err)
			}
		}
	})
}
