package armfic_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/armfic"
	"github.com/wimigrate/wimigrate/federation/federationtest"
	"github.com/wimigrate/wimigrate/federation/graphfic"
)

// estate is a fleet of four clusters whose eight workloads use six managed identities of two subscriptions and two app registrations.
func estate() *catalog.Catalog {
	cat := &catalog.Catalog{}
	for c := range 4 {
		cluster := catalog.Cluster{Name: fmt.Sprintf("aks-%d", c), Region: "eastus", Issuer: fmt.Sprintf("https://eastus.oic.prod-aks.azure.com/t/%d/", c)}
		cluster.Coverage.Complete = true
		cat.Clusters = append(cat.Clusters, cluster)
		for w := range 8 {
			id := catalog.Identity{Kind: catalog.UserAssigned, ClientID: fmt.Sprintf("c0000000-0000-4000-8000-00000000000%d", w)}
			id.ResourceID = fmt.Sprintf("/subscriptions/5a1e0000-0000-4000-8000-00000000000%d/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-%d", w%2, w)
			if w > 5 {
				id.Kind, id.ResourceID = catalog.Application, ""
			}
			cat.Needs = append(cat.Needs, catalog.Need{Cluster: cluster.Name, Namespace: "shop", ServiceAccount: fmt.Sprintf("app-%d", w), Identity: id})
		}
	}
	return cat
}

// others are credentials that nobody may touch.
func others() []federation.Credential {
	return []federation.Credential{
		{Name: "aks-identity-binding", Issuer: "https://ib.oic.prod-aks.azure.com/t/c", Subject: "aks", Audience: "api://AKSIdentityBinding"},
		{Name: "github", Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:a/b:ref:refs/heads/main", Audience: federation.DefaultAudience},
	}
}

func stores(t *testing.T, tenant *federationtest.Cloud) federation.Store {
	t.Helper()
	managed, err := armfic.NewStore(&azfake.TokenCredential{}, &arm.ClientOptions{ClientOptions: policy.ClientOptions{Transport: tenant.ARM()}})
	if err != nil {
		t.Fatal(err)
	}
	applications, err := graphfic.NewStore(&azfake.TokenCredential{}, &azcore.ClientOptions{Transport: tenant.Graph()})
	if err != nil {
		t.Fatal(err)
	}
	return federation.ByKind{UserAssigned: managed, Application: applications}
}

// Through the real clients, with throttling at the published rates, lag, and a twentieth of everything failing in every way, a plan that
// is killed again and again ends as if nothing had happened.
func TestApplyThroughTheRealClientsSurvivesFaultsAndKills(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { survive(t, seed) })
		})
	}
}

func survive(t *testing.T, seed uint64) {
	t.Helper()
	cat := estate()
	tenant := federationtest.NewCloud(&federationtest.CloudOptions{
		Latency: 50 * time.Millisecond, Lag: 2 * time.Second, ARMRates: federation.ARMRates(), GraphRates: federation.GraphRates(),
		Fault: federationtest.Mix{Conflict: 0.05, Throttle: 0.05, Unavailable: 0.05, DropRequest: 0.03, DropReply: 0.03}.Random(seed),
	})
	rebuilt := federation.Credential{
		Name: federation.CredentialName("", "aks-0", "shop", "app-0"), Issuer: "https://eastus.oic.prod-aks.azure.com/t/before/",
		Subject: federation.Subject("shop", "app-0"), Audience: federation.DefaultAudience,
	}
	for i := range 8 {
		have := others()
		if i == 0 {
			have = append(have, rebuilt)
		}
		tenant.Add(cat.Needs[i].Identity, "eastus", have...)
	}
	store := stores(t, tenant)
	have, err := federation.Observe(t.Context(), store, cat, nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := federation.NewPlan(cat, have, nil)
	if err != nil || plan.Count(federation.Create) != 31 || plan.Count(federation.Replace) != 1 {
		t.Fatalf("%d creates, %d replaces, error %v", plan.Count(federation.Create), plan.Count(federation.Replace), err)
	}
	rng := rand.New(rand.NewPCG(seed, 2))
	for run := 0; ; run++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.Int64N(int64(12*time.Second))))
		report, err := federation.Apply(ctx, store, plan, nil)
		cancel()
		time.Sleep(2 * time.Second) // the reads of the next run may not lag behind this one's writes
		if err == nil && report.Complete() {
			if run == 0 {
				t.Error("the first run was not killed: the test shows nothing")
			}
			break
		}
		if run == 50 {
			t.Fatalf("not complete after %d runs: %v", run, err)
		}
	}
	if have, err = federation.Observe(t.Context(), store, cat, nil); err != nil {
		t.Fatal(err)
	}
	again, err := federation.NewPlan(cat, have, nil)
	if err != nil || !again.Converged() || again.Count(federation.Keep) != 32 {
		t.Errorf("planned again: %d kept, converged %v, error %v", again.Count(federation.Keep), again.Converged(), err)
	}
	for key, credentials := range tenant.State() {
		for _, other := range others() {
			if !slices.Contains(credentials, other) {
				t.Errorf("%s lost %s", key, other.Name)
			}
		}
		if len(credentials) != 6 {
			t.Errorf("%s trusts %d, want 4 and 2 of others:\n%s", key, len(credentials), cmp.Diff(nil, credentials))
		}
	}
}
