package catalog_test

import (
	"fmt"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
)

// bigFleet has clusters of workloads each, one in five on Pod Identity, in namespaces of twenty.
func bigFleet(clusters, workloads int) []*catalog.Snapshot {
	var out []*catalog.Snapshot
	for i := range clusters {
		region := []string{"eastus", "westeurope"}[i%2]
		s := catalogtest.NewCluster(fmt.Sprintf("aks-%02d", i), region).Snapshot()
		for j := range workloads {
			ns, name := fmt.Sprintf("team-%04d", j/20), fmt.Sprintf("app-%05d", j)
			w := catalog.Workload{Meta: catalog.Meta{APIVersion: "apps/v1", Kind: "Deployment", Namespace: ns, Name: name}, TemplatePath: "spec.template"}
			w.Template = catalog.PodTemplate{ServiceAccount: name, Labels: map[string]string{"app": name}}
			s.ServiceAccounts = append(s.ServiceAccounts, catalog.ServiceAccount{Meta: catalog.Meta{Namespace: ns, Name: name}})
			if j%5 == 0 {
				w.Template.Labels["aadpodidbinding"] = name
				m := catalog.Meta{Namespace: ns, Name: name}
				s.Identities = append(s.Identities, catalog.AzureIdentity{Meta: m, ResourceID: catalogtest.ResourceID(name + region), ClientID: catalogtest.ClientID(name + region)})
				s.Bindings = append(s.Bindings, catalog.AzureIdentityBinding{Meta: m, AzureIdentity: name, Selector: name})
			}
			s.Workloads = append(s.Workloads, w)
		}
		out = append(out, s)
	}
	return out
}

func BenchmarkReconcile(b *testing.B) {
	for _, size := range []struct{ clusters, workloads int }{{12, 500}, {12, 2_000}, {12, 8_000}} {
		b.Run(fmt.Sprintf("clusters=%d/workloads=%d", size.clusters, size.workloads), func(b *testing.B) {
			snaps := bigFleet(size.clusters, size.workloads)
			b.ReportAllocs()
			for b.Loop() {
				cat, err := catalog.Reconcile(snaps, nil)
				if err != nil || len(cat.Needs) != size.clusters*size.workloads/5 {
					b.Fatalf("%d needs, %v", len(cat.Needs), err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size.clusters*size.workloads), "ns/workload")
		})
	}
}
