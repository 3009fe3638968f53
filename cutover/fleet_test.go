package cutover_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// bigFleet is two clusters in two regions with the same dozen applications of every kind in each, under churn: nodes come and go and
// workloads scale for as long as the test lasts.
func bigFleet(t *testing.T, seed uint64, mode catalog.PodIdentityMode, apps int) *cutovertest.Fleet {
	t.Helper()
	f := cutovertest.New(&cutovertest.Options{Seed: seed, Mode: mode, TokenEvery: 10 * time.Minute})
	kinds := []string{"Deployment", "StatefulSet", "DaemonSet", "CronJob", "Rollout", "Deployment"}
	for _, region := range []string{"eastus", "westeurope"} {
		c := f.AddCluster("aks-"+region+"-01", region, 5)
		for i := range apps {
			kind := kinds[i%len(kinds)]
			a := cutovertest.App{Namespace: fmt.Sprintf("team-%02d", i), Name: "app", Kind: kind, Replicas: 2 + i%4, HPA: kind == "Deployment" && i%2 == 0}
			a.OnDelete = i == 7
			a.Recreate = i == 11 && mode == catalog.ModeManaged
			c.Deploy(a)
		}
		churn(c)
	}
	settle(t)
	f.ResetTally()
	return f
}

// churn brings a node, and then takes one, every few hours, and scales Deployments up and down.
func churn(c *cutovertest.Cluster) {
	var nodes, scale func(s *cutovertest.Script)
	up := true
	nodes = func(s *cutovertest.Script) {
		s.AddNode()
		s.Again(10*time.Minute, func(s *cutovertest.Script) { s.DropNode() })
		s.Again(5*time.Hour, nodes)
	}
	scale = func(s *cutovertest.Script) {
		n := 6
		if !up {
			n = 3
		}
		up = !up
		s.Scale("Deployment", "team-05", "app", n)
		s.Scale("StatefulSet", "team-01", "app", n)
		s.Again(97*time.Minute, scale)
	}
	c.After(3*time.Hour, nodes)
	c.After(time.Hour, scale)
}

func TestAFleetMovesUnderChurnWithoutOneFailedToken(t *testing.T) {
	t.Parallel()
	for mode, apps := range map[catalog.PodIdentityMode]int{catalog.ModeStandard: max(12/stride, 6), catalog.ModeManaged: 2} {
		t.Run(string(mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := bigFleet(t, 1, mode, apps)
				p := planFor(t, f, &cutover.PlanOptions{Soak: wholeDay})
				waves := map[string]string{} // region by wave and twin
				for _, w := range p.Waves {
					for _, id := range w.Units {
						u := p.Unit(id)
						if other, twice := waves[w.Name+u.Twin]; twice && other != u.Region {
							t.Errorf("wave %s moves %s in two regions", w.Name, u.Twin)
						}
						waves[w.Name+u.Twin] = u.Region
					}
				}
				r := runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), &cutover.Options{Patience: 2 * time.Hour, Evict: true})
				wantStates(t, mustRun(t, r, p), cutover.Done)
				tally := f.Tally()
				t.Logf("%d tokens, %d pods", tally.Taken, tally.Births)
				if tally.Failed != 0 || tally.Wrong != 0 || mode == catalog.ModeStandard && tally.Taken < 50_000/stride {
					t.Errorf("tokens: %+v", tally)
				}
				for name, c := range f.Clusters() {
					left, err := c.List(t.Context(), cutover.Selection{APIVersion: "aadpodidentity.k8s.io/v1", Kind: "AzureIdentityBinding"})
					if err != nil || len(left) > 0 {
						t.Errorf("%s: %d bindings left (%v)", name, len(left), err)
					}
				}
				cat, _, err := f.Catalog(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range cat.Needs {
					if n.State != catalog.StateWorkloadIdentity {
						t.Errorf("%s/%s %s is in state %s", n.Cluster, n.Namespace, n.ServiceAccount, n.State)
					}
				}
			})
		})
	}
}

func TestTheSameSeedGivesTheSameFleet(t *testing.T) {
	var runs [2]cutovertest.Tally
	for i := range runs {
		synctest.Test(t, func(t *testing.T) {
			f := bigFleet(t, 7, catalog.ModeStandard, 3)
			time.Sleep(24 * time.Hour)
			runs[i] = f.Tally()
		})
	}
	if diff := cmp.Diff(runs[0], runs[1]); diff != "" {
		t.Errorf("two fleets of one seed:\n%s", diff)
	}
}

// BenchmarkMigration moves units from Planned to Done, 16 at a time, and reports how many a minute.
func BenchmarkMigration(b *testing.B) {
	ctx := context.Background()
	f := cutovertest.New(&cutovertest.Options{Pace: 1e-4, TokenEvery: 24 * time.Hour})
	c := f.AddCluster("aks-eastus-01", "eastus", 4)
	for i := range b.N {
		c.Deploy(cutovertest.App{Namespace: fmt.Sprintf("team-%06d", i), Name: "web"})
	}
	p, err := f.Plan(ctx, &cutover.PlanOptions{Soak: -1, Limits: cutover.Limits{Bake: -1, PerCluster: -1, PerRegion: -1, Fleet: 16}})
	if err != nil {
		b.Fatal(err)
	}
	r, err := cutover.NewRunner(f.Clusters(), cutovertest.NewJournal(), cutovertest.PassGates(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	rep, err := r.Run(ctx, p)
	if err != nil {
		b.Fatal(err)
	}
	for _, u := range rep.Units {
		if u.State != cutover.Done {
			b.Fatalf("%s is %s: %s", u.ID, u.State, u.Reason)
		}
	}
	b.ReportMetric(float64(len(rep.Units))/b.Elapsed().Minutes(), "migrations/min")
}
