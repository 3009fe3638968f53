package federation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

func TestNewPlanCountsTheLimitAtEveryStep(t *testing.T) {
	full := func(foreign, wanted int) (*catalog.Catalog, federation.State) {
		cat, have := one(), federation.State{}
		cat.Needs = nil
		for i := range wanted {
			cat.Needs = append(cat.Needs, need("aks", fmt.Sprintf("ns-%d", i%3), fmt.Sprintf("sa-%02d", i), managed("id-cart")))
		}
		for i := range foreign {
			have[managed("id-cart").Key()] = append(have[managed("id-cart").Key()], federation.Credential{Name: fmt.Sprintf("foreign-%d", i), Issuer: "https://github.example", Subject: fmt.Sprint(i), Audience: "x"})
		}
		return cat, have
	}
	t.Run("twenty, with those of others, fit", func(t *testing.T) {
		cat, have := full(3, 17)
		p := mustPlan(t, cat, have, nil)
		if len(p.Findings) != 0 || p.Identities[0].Blocked != "" || p.Identities[0].Headroom() != 0 {
			t.Errorf("%+v", p.Identities[0])
		}
	})
	t.Run("twenty-one are blocked, listed all the same, and a split is proposed", func(t *testing.T) {
		cat, have := full(3, 18)
		p := mustPlan(t, cat, have, nil)
		if len(p.Changes) != 18 || p.Identities[0].Blocked == "" || p.Identities[0].Peak != 21 {
			t.Errorf("%d changes, %+v", len(p.Changes), p.Identities[0])
		}
		if len(p.Findings) != 1 || p.Findings[0].Code != catalog.FederationLimit || p.Findings[0].Severity != catalog.Blocking || !strings.Contains(p.Findings[0].Remedy, "identity bindings") {
			t.Errorf("findings: %+v", p.Findings)
		}
		if p.Converged() {
			t.Error("a blocked plan is not converged")
		}
	})
	t.Run("a split holds every service account once, in as few parts as fit", func(t *testing.T) {
		cat, have := full(0, 50)
		split := mustPlan(t, cat, have, nil).Identities[0].Split
		accounts, sum := map[string]int{}, 0
		for _, s := range split {
			sum += s.Credentials
			if s.Credentials > federation.MaxCredentials {
				t.Errorf("%s would hold %d", s.Identity, s.Credentials)
			}
			for _, a := range s.ServiceAccounts {
				accounts[a]++
			}
		}
		if len(split) != 3 || sum != 50 || len(accounts) != 50 {
			t.Errorf("%d parts, %d credentials, %d accounts", len(split), sum, len(accounts))
		}
	})
	t.Run("what is pruned makes room before anything is created", func(t *testing.T) {
		cat, have := full(0, 20)
		key := managed("id-cart").Key()
		for i := range 5 {
			name := fmt.Sprintf("gone-%d", i)
			have[key] = append(have[key], federation.Credential{Name: "wimigrate-aks_shop_" + name, Issuer: issuer("eastus", 1), Subject: "system:serviceaccount:shop:" + name, Audience: federation.DefaultAudience})
		}
		if mustPlan(t, cat, have, nil).Identities[0].Blocked == "" {
			t.Error("without pruning 25 are too many")
		}
		p := mustPlan(t, cat, have, &federation.PlanOptions{Prune: true})
		if p.Identities[0].Blocked != "" || p.Identities[0].Peak != 20 {
			t.Errorf("%+v", p.Identities[0])
		}
		if first := slices.IndexFunc(p.Changes, func(c federation.Change) bool { return c.Action == federation.Create }); first != 5 {
			t.Errorf("the first create is change %d, after five deletes it should be 5", first)
		}
	})
}

// A single identity for twenty thousand needs is absurd, and planned in no time all the same.
func TestNewPlanOfAnAbsurdEstateStaysLinear(t *testing.T) {
	cat := &catalog.Catalog{}
	for c := range 20 {
		cat.Clusters = append(cat.Clusters, cluster(fmt.Sprintf("aks-%02d", c), "eastus", c))
		for n := range 1000 {
			cat.Needs = append(cat.Needs, need(cat.Clusters[c].Name, "shop", fmt.Sprintf("sa-%d", n), managed("id-everything")))
		}
	}
	p := mustPlan(t, cat, nil, nil)
	if len(p.Changes) != 20_000 || len(p.Identities[0].Split) != 1000 || len(p.Findings) != 1 || len(p.Findings[0].Remedy) > 1000 {
		t.Errorf("%d changes, %d parts, %d findings", len(p.Changes), len(p.Identities[0].Split), len(p.Findings))
	}
}
