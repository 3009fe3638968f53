package federation_test

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

// bigFleet has clusters × needs, twenty needs to an identity, half of them trusted already.
func bigFleet(clusters, needs int) (*catalog.Catalog, federation.State) {
	cat, have := &catalog.Catalog{Needs: make([]catalog.Need, 0, clusters*needs)}, make(federation.State, clusters*needs/20)
	for c := range clusters {
		cl := cluster(fmt.Sprintf("aks-%04d", c), []string{"eastus", "westeurope"}[c%2], c)
		cat.Clusters = append(cat.Clusters, cl)
		var id catalog.Identity
		for n := range needs {
			if n%20 == 0 {
				id = managed(fmt.Sprintf("id-%04d-%03d", c, n/20))
			}
			need := need(cl.Name, fmt.Sprintf("ns-%03d", n/10), fmt.Sprintf("sa-%d", n%10), id)
			cat.Needs = append(cat.Needs, need)
			if n%2 == 0 {
				have[id.Key()] = append(have[id.Key()], federation.Credential{
					Name:   federation.CredentialName("", cl.Name, need.Namespace, need.ServiceAccount),
					Issuer: cl.Issuer, Subject: federation.Subject(need.Namespace, need.ServiceAccount), Audience: federation.DefaultAudience,
				})
			}
		}
	}
	return cat, have
}

// BenchmarkNewPlan plans and compares with what is there; "triples/s" should not fall with the size. Memory is the high-water mark of
// the heap, the catalog and the state included.
func BenchmarkNewPlan(b *testing.B) {
	for _, clusters := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("triples=%d", clusters*1000), func(b *testing.B) {
			old := runtime.GOMAXPROCS(1)
			defer runtime.GOMAXPROCS(old)
			cat, have := bigFleet(clusters, 1000)
			debug.FreeOSMemory()
			b.ReportAllocs()
			for b.Loop() {
				p, err := federation.NewPlan(cat, have, nil)
				if err != nil {
					b.Fatal(err)
				}
				if len(p.Changes) != clusters*1000 {
					b.Fatalf("%d changes", len(p.Changes))
				}
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(clusters*1000*b.N)/b.Elapsed().Seconds(), "triples/s")
			b.ReportMetric(float64(m.HeapSys-m.HeapReleased)/1e6, "heap-MB")
			runtime.KeepAlive(cat)
		})
	}
}

// BenchmarkApply is what Apply itself costs for 2,000 changes on 200 identities, without rates and latency;
// TestApplyKeepsToTheCriticalPathThatTheRatesAllow has the time under Azure's.
func BenchmarkApply(b *testing.B) {
	cat := wide(200, 5)
	b.ReportAllocs()
	for b.Loop() {
		cloud := federationtest.NewCloud(nil)
		cloud.AddAll(cat, "eastus")
		p, err := federation.NewPlan(cat, cloud.State(), nil)
		if err != nil {
			b.Fatal(err)
		}
		report, err := federation.Apply(b.Context(), cloud.Store(), p, &federation.ApplyOptions{Pacing: unpaced()})
		if err != nil || report.Count(federation.Applied) != 2000 {
			b.Fatal(err)
		}
	}
}
