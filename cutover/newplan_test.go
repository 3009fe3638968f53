package cutover_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

var update = flag.Bool("update", false, "rewrite golden files")

// estate is a catalog of some clusters with the same workloads in each, and the trust that all of them need.
func estate(t *testing.T, clusters, workloads int) (*catalog.Catalog, *federation.Plan) {
	t.Helper()
	cat := &catalog.Catalog{Findings: []catalog.Finding{}}
	kinds := []string{"Deployment", "StatefulSet", "CronJob", "DaemonSet"}
	for i := range clusters {
		region := []string{"eastus", "westeurope", "northeurope"}[i%3]
		name := fmt.Sprintf("aks-%s-%02d", region, i/3+1)
		cat.Clusters = append(cat.Clusters, catalog.Cluster{
			Name: name, Region: region, Issuer: "https://" + region + ".oic.prod-aks.azure.com/tenant/" + name + "/",
			PodIdentityMode: catalog.ModeManaged, Coverage: catalog.Coverage{Complete: true},
		})
		for w := range workloads {
			kind := kinds[w%len(kinds)]
			api := "apps/v1"
			if kind == "CronJob" {
				api = "batch/v1"
			}
			id := fmt.Sprintf("id-%02d", w)
			cat.Needs = append(cat.Needs, catalog.Need{
				Cluster: name, Namespace: fmt.Sprintf("team-%02d", w), ServiceAccount: "app", Bindings: []string{id + "-binding"}, Selector: id,
				Identity: catalog.Identity{Kind: catalog.UserAssigned, Name: id, ClientID: "client-of-" + id, TenantID: "tenant",
					ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + id},
				Workloads: []catalog.WorkloadRef{{APIVersion: api, Kind: kind, Name: "app"}}, State: catalog.StatePodIdentity,
			})
		}
	}
	todo, err := federation.NewPlan(cat, federation.State{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	fed, err := federation.NewPlan(cat, todo.After(federation.State{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	return cat, fed
}

func encoded(t *testing.T, cat *catalog.Catalog, fed *federation.Plan, opts *cutover.PlanOptions) []byte {
	t.Helper()
	p, err := cutover.NewPlan(cat, fed, opts)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := p.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAPlanSpellsOutEveryWrite(t *testing.T) {
	cat, fed := estate(t, 2, 2)
	got := encoded(t, cat, fed, nil)
	golden := filepath.Join("testdata", "plan.json")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("golden (-) and made (+) plans differ; -update rewrites:\n%s", diff)
	}
	p, err := cutover.ReadPlan(bytes.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := p.Encode(&again); err != nil || !bytes.Equal(got, again.Bytes()) {
		t.Errorf("a plan read and written again is another (%v)", err)
	}
}

func TestAPlanIsTheSameForShuffledInput(t *testing.T) {
	t.Parallel()
	cat, fed := estate(t, 5, 7)
	want := encoded(t, cat, fed, nil)
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 1))
		r.Shuffle(len(cat.Clusters), func(i, j int) { cat.Clusters[i], cat.Clusters[j] = cat.Clusters[j], cat.Clusters[i] })
		r.Shuffle(len(cat.Needs), func(i, j int) { cat.Needs[i], cat.Needs[j] = cat.Needs[j], cat.Needs[i] })
		r.Shuffle(len(fed.Changes), func(i, j int) { fed.Changes[i], fed.Changes[j] = fed.Changes[j], fed.Changes[i] })
		if !bytes.Equal(want, encoded(t, cat, fed, nil)) {
			t.Fatalf("seed %d gives another plan", seed)
		}
	}
}

func TestWavesOfAnyFleet(t *testing.T) {
	for clusters := 1; clusters <= 7; clusters++ {
		for workloads := range 6 {
			cat, fed := estate(t, clusters, workloads)
			p, err := cutover.NewPlan(cat, fed, nil)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]int{}
			for i, w := range p.Waves {
				regions := map[string]string{}
				for _, id := range w.Units {
					seen[id]++
					u := p.Unit(id)
					if other, ok := regions[u.Twin]; ok && other != u.Region {
						t.Errorf("%d×%d: wave %s moves %s in %s and %s", clusters, workloads, w.Name, u.Twin, other, u.Region)
					}
					regions[u.Twin] = u.Region
				}
				if i == 0 && len(w.Units) != 1 {
					t.Errorf("%d×%d: the canary wave has %d units", clusters, workloads, len(w.Units))
				}
			}
			if len(seen) != clusters*workloads {
				t.Errorf("%d×%d: %d units in waves", clusters, workloads, len(seen))
			}
			for id, n := range seen {
				if n != 1 {
					t.Errorf("%s is in %d waves", id, n)
				}
			}
		}
	}
}

func TestWhatShareNamesMovesTogether(t *testing.T) {
	cat, _ := estate(t, 1, 4)
	for i := range cat.Needs {
		cat.Needs[i].Namespace, cat.Needs[i].ServiceAccount = "shop", fmt.Sprintf("sa-%d", i)
		cat.Needs[i].Workloads[0].Name = fmt.Sprintf("app-%d", i)
	}
	cat.Needs[1].Identity = cat.Needs[0].Identity   // 0 and 1 share an identity
	cat.Needs[2].Workloads = cat.Needs[1].Workloads // 1 and 2 a workload
	fed, err := federation.NewPlan(cat, federation.State{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if fed, err = federation.NewPlan(cat, fed.After(federation.State{}), nil); err != nil {
		t.Fatal(err)
	}
	p, err := cutover.NewPlan(cat, fed, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, u := range p.Units {
		var names []string
		for _, a := range u.Accounts {
			names = append(names, a.Ref.Name)
		}
		got = append(got, names)
	}
	for _, b := range p.Blocked {
		t.Logf("blocked: %+v", b)
	}
	if diff := cmp.Diff([][]string{{"sa-0", "sa-1", "sa-2"}, {"sa-3"}}, got); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
}

func TestWhatMayNotMove(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(cat *catalog.Catalog, fed *federation.Plan)
		want   catalog.Code
	}{
		"trust that is still to be made": {func(_ *catalog.Catalog, fed *federation.Plan) { fed.Changes[0].Action = federation.Create }, cutover.TrustPending},
		"trust that nobody plans":        {func(_ *catalog.Catalog, fed *federation.Plan) { fed.Changes = nil }, cutover.TrustMissing},
		"trust of an issuer without the slash": {func(_ *catalog.Catalog, fed *federation.Plan) {
			c := &fed.Changes[0].Credential
			c.Issuer = c.Issuer[:len(c.Issuer)-1]
		}, cutover.TrustMissing},
		"a cluster that was not read completely": {func(cat *catalog.Catalog, _ *federation.Plan) { cat.Clusters[0].Coverage.Complete = false }, cutover.IncompleteCoverage},
		"an identity without a client ID":        {func(cat *catalog.Catalog, _ *federation.Plan) { cat.Needs[0].Identity.ClientID = "" }, cutover.NoClientID},
		"a blocking finding about its workload": {func(cat *catalog.Catalog, _ *federation.Plan) {
			cat.Findings = append(cat.Findings, catalog.Finding{Code: catalog.ImmutableSelector, Severity: catalog.Blocking,
				Cluster: "aks-eastus-01", Namespace: "team-00", Object: "Deployment/app"})
		}, catalog.ImmutableSelector},
		"a service account that is missing": {func(cat *catalog.Catalog, _ *federation.Plan) {
			cat.Findings = append(cat.Findings, catalog.Finding{Code: catalog.MissingServiceAccount, Severity: catalog.Error,
				Cluster: "aks-eastus-01", Namespace: "team-00", Object: "ServiceAccount/app"})
		}, catalog.MissingServiceAccount},
		"a blocking finding of the federation plan about its identity": {func(cat *catalog.Catalog, fed *federation.Plan) {
			fed.Findings = append(fed.Findings, catalog.Finding{Code: catalog.FederationLimit, Severity: catalog.Blocking, Object: "Identity/id-00"})
		}, catalog.FederationLimit},
	} {
		t.Run(name, func(t *testing.T) {
			cat, fed := estate(t, 1, 1)
			tc.change(cat, fed)
			p, err := cutover.NewPlan(cat, fed, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Units) != 0 || len(p.Blocked) != 1 {
				t.Fatalf("%d units, %d blocked", len(p.Units), len(p.Blocked))
			}
			if !slices.ContainsFunc(p.Blocked[0].Reasons, func(r cutover.Reason) bool { return r.Code == tc.want && r.Code != "" }) {
				t.Errorf("reasons %+v, want %s", p.Blocked[0].Reasons, tc.want)
			}
		})
	}
}

func TestAFindingAboutAnotherUnitDoesNotBlock(t *testing.T) {
	cat, fed := estate(t, 1, 2)
	cat.Findings = append(cat.Findings, catalog.Finding{Code: catalog.ImmutableSelector, Severity: catalog.Blocking,
		Cluster: "aks-eastus-01", Namespace: "team-00", Object: "Deployment/another"})
	p, err := cutover.NewPlan(cat, fed, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Units) != 2 {
		t.Errorf("%d units, want 2: %+v", len(p.Units), p.Blocked)
	}
}

func TestAnEmptyFleetHasALineage(t *testing.T) {
	p, err := cutover.NewPlan(&catalog.Catalog{}, &federation.Plan{}, nil)
	if err != nil || p.Lineage == "" || p.Check() != nil {
		t.Errorf("lineage %q, error %v, check %v", p.Lineage, err, p.Check())
	}
}

func TestAPlanOfANewerSchemaIsRefused(t *testing.T) {
	cat, fed := estate(t, 1, 1)
	text := bytes.Replace(encoded(t, cat, fed, nil), []byte(`"schema": 1`), []byte(`"schema": 2`), 1)
	if p, err := cutover.ReadPlan(bytes.NewReader(text)); p == nil || !errors.Is(err, cutover.ErrSchema) {
		t.Errorf("got %v, want ErrSchema and a plan to show", err)
	}
}
