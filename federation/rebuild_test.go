package federation_test

import (
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

// trusts reports whether Entra would honour a token of shop/cart from an issuer by now.
func trusts(t *testing.T, cloud *federationtest.Cloud, issuer string) bool {
	t.Helper()
	id := managed("id-cart")
	triples, err := cloud.Trusts(t.Context(), id.TenantID, id.ClientID)
	if err != nil {
		t.Fatal(err)
	}
	for _, triple := range triples {
		if triple.Issuer == issuer && triple.Subject == federation.Subject("shop", "cart") {
			return true
		}
	}
	return false
}

// heal observes, plans and applies.
func heal(t *testing.T, cloud *federationtest.Cloud, cat *catalog.Catalog, opts *federation.PlanOptions) *federation.Plan {
	t.Helper()
	have, err := federation.Observe(t.Context(), cloud.Store(), cat, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := mustPlan(t, cat, have, opts)
	if _, err := federation.Apply(t.Context(), cloud.Store(), p, nil); err != nil {
		t.Fatal(err)
	}
	return p
}

func settledCloud(t *testing.T) *federationtest.Cloud {
	t.Helper()
	cloud := federationtest.NewCloud(&federationtest.CloudOptions{TenantID: managed("").TenantID, Latency: 50 * time.Millisecond, Propagation: 2 * time.Minute,
		ARMRates: federation.ARMRates()})
	cloud.Add(managed("id-cart"), "eastus")
	heal(t, cloud, one(), nil)
	time.Sleep(5 * time.Minute)
	return cloud
}

func TestARebuiltClusterIsReplacedInPlace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cloud, rebuilt := settledCloud(t), one()
		old := rebuilt.Clusters[0].Issuer
		rebuilt.Clusters[0].Issuer = issuer("eastus", 42)
		if !trusts(t, cloud, old) || trusts(t, cloud, issuer("eastus", 42)) {
			t.Fatal("before: the old cluster alone is trusted")
		}
		p := heal(t, cloud, rebuilt, nil)
		if p.Count(federation.Replace) != 1 || len(p.Changes) != 1 {
			t.Errorf("plan: %v", lines(p))
		}
		time.Sleep(5 * time.Minute)
		if trusts(t, cloud, old) || !trusts(t, cloud, issuer("eastus", 42)) {
			t.Error("after: the new cluster alone is trusted")
		}
		converged(t, cloud.Store(), rebuilt, nil)
	})
}

func TestARebuiltClusterIsAddedBesideTheOldOneWhoseTrustIsRemovedLater(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cloud, rebuilt := settledCloud(t), one()
		old := rebuilt.Clusters[0].Issuer
		rebuilt.Clusters[0].Issuer = issuer("eastus", 42)
		add := &federation.PlanOptions{Rebuilt: federation.AddThenRemove}
		heal(t, cloud, rebuilt, add)
		time.Sleep(5 * time.Minute)
		if !trusts(t, cloud, old) || !trusts(t, cloud, issuer("eastus", 42)) {
			t.Error("while the pods of both live, both are trusted")
		}
		remove := &federation.PlanOptions{Rebuilt: federation.AddThenRemove, Prune: true}
		p := heal(t, cloud, rebuilt, remove)
		if p.Count(federation.Delete) != 1 || p.Count(federation.Keep) != 1 {
			t.Errorf("plan: %v", lines(p))
		}
		time.Sleep(5 * time.Minute)
		if trusts(t, cloud, old) || !trusts(t, cloud, issuer("eastus", 42)) {
			t.Error("in the end the new cluster alone is trusted")
		}
		converged(t, cloud.Store(), rebuilt, nil)
	})
}
