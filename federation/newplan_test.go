package federation_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

func TestNewPlanOfAFleetThatTrustsNothing(t *testing.T) {
	p := mustPlan(t, small(), federation.State{}, nil)
	want := []string{
		"create id-batch wimigrate-aks-eastus_batch_nightly aks-eastus/batch/nightly",
		"create id-payments-eastus wimigrate-aks-eastus_payments_api aks-eastus/payments/api",
		"create id-payments-westeurope wimigrate-aks-westeurope_payments_api aks-westeurope/payments/api",
		"create 99999999-0000-0000-0000-000000000009 wimigrate-aks-eastus_reports_writer aks-eastus/reports/writer",
		"create 99999999-0000-0000-0000-000000000009 wimigrate-aks-westeurope_reports_writer aks-westeurope/reports/writer",
	}
	if diff := cmp.Diff(want, lines(p)); diff != "" {
		t.Error(diff)
	}
	if len(p.Findings) != 0 {
		t.Errorf("findings on a healthy fleet: %v", p.Findings)
	}
}

// one is a fleet of one cluster and one need, the field of most cases below.
func one() *catalog.Catalog {
	return &catalog.Catalog{Clusters: []catalog.Cluster{cluster("aks", "eastus", 1)}, Needs: []catalog.Need{need("aks", "shop", "cart", managed("id-cart"))}}
}

func credential(name string, clusterNumber int, account string) federation.Credential {
	return federation.Credential{Name: name, Issuer: issuer("eastus", clusterNumber), Subject: "system:serviceaccount:shop:" + account, Audience: federation.DefaultAudience}
}

// derived is the name that the planner gives to shop/cart of cluster aks.
const derived = "wimigrate-aks_shop_cart"

func TestNewPlanMatchesWhatIsThere(t *testing.T) {
	edit := func(c federation.Credential, change func(*federation.Credential)) federation.Credential {
		change(&c)
		return c
	}
	for _, tc := range []struct {
		name     string
		have     []federation.Credential
		opts     *federation.PlanOptions
		catalog  func(*catalog.Catalog)
		want     []string // action name, or nothing
		findings []catalog.Code
	}{
		{name: "a credential of ours is kept", have: []federation.Credential{credential(derived, 1, "cart")}, want: []string{"keep " + derived}},
		{name: "a credential made by hand is adopted under its own name", have: []federation.Credential{credential("made-by-hand", 1, "cart")}, want: []string{"keep made-by-hand"}},
		{name: "the issuer of a rebuilt cluster is replaced in place", have: []federation.Credential{credential(derived, 7, "cart")},
			want: []string{"replace " + derived}, findings: []catalog.Code{catalog.DeadIssuer}},
		{name: "with AddThenRemove the rebuilt cluster gets a second credential", have: []federation.Credential{credential(derived, 7, "cart")},
			opts: &federation.PlanOptions{Rebuilt: federation.AddThenRemove}, want: []string{"create wimigrate-aks_shop_cart_*"}, findings: []catalog.Code{catalog.DeadIssuer}},
		{name: "a hand-made credential of the rebuilt cluster stays, and ours is added", have: []federation.Credential{credential("made-by-hand", 7, "cart")},
			want: []string{"create " + derived}, findings: []catalog.Code{catalog.DeadIssuer}},
		{name: "a derived name that a foreign credential has is left to it", want: []string{"create wimigrate-aks_shop_cart_*"},
			have: []federation.Credential{{Name: derived, Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:o/r:ref:refs/heads/main", Audience: "api://AzureADTokenExchange"}}},
		{name: "names are taken whatever their letter case", want: []string{"create wimigrate-aks_shop_cart_*"},
			have: []federation.Credential{{Name: strings.ToUpper(derived), Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:o/r:ref:refs/heads/main", Audience: "x"}}},
		{name: "a subject of ours that somebody edited is put right", have: []federation.Credential{credential(derived, 1, "basket")},
			want: []string{"replace " + derived}, findings: []catalog.Code{catalog.UnknownSubject}},
		{name: "an issuer without its slash is no match, and ours is corrected", want: []string{"replace " + derived}, findings: []catalog.Code{federation.NearMissIssuer},
			have: []federation.Credential{edit(credential(derived, 1, "cart"), func(c *federation.Credential) { c.Issuer = strings.TrimSuffix(c.Issuer, "/") })}},
		{name: "an issuer in other letter case is no match, and a hand-made one is left", want: []string{"create " + derived}, findings: []catalog.Code{federation.NearMissIssuer},
			have: []federation.Credential{edit(credential("by-hand", 1, "cart"), func(c *federation.Credential) { c.Issuer = strings.ToUpper(c.Issuer) })}},
		{name: "a pair with another audience cannot be added beside: a finding and no change", findings: []catalog.Code{federation.WrongAudience},
			have: []federation.Credential{edit(credential("by-hand", 1, "cart"), func(c *federation.Credential) { c.Audience = "api://AzureADTokenExchangeUSGov" })}},
		{name: "with ReplaceAudience it is corrected", opts: &federation.PlanOptions{ReplaceAudience: true}, want: []string{"replace by-hand"},
			have: []federation.Credential{edit(credential("by-hand", 1, "cart"), func(c *federation.Credential) { c.Audience = "api://AzureADTokenExchangeUSGov" })}},
		{name: "a wrong audience under our own name is corrected", want: []string{"replace " + derived},
			have: []federation.Credential{edit(credential(derived, 1, "cart"), func(c *federation.Credential) { c.Audience = "wrong" })}},
		{name: "the credential of identity bindings is neither touched nor reported", want: []string{"create " + derived},
			have: []federation.Credential{{Name: federation.IdentityBindingName, Issuer: "https://ib.oic.prod-aks.azure.com/tenant/client", Subject: "system:serviceaccount:x:y", Audience: "api://AKSIdentityBinding"}}},
		{name: "a flexible credential without a subject is left", want: []string{"create " + derived},
			have: []federation.Credential{{Name: "flexible", Issuer: "https://token.actions.githubusercontent.com", Audience: "x"}}},
		{name: "an issuer that is not of AKS is not called dead", want: []string{"create " + derived},
			have: []federation.Credential{{Name: "other", Issuer: "https://kubernetes.example/", Subject: "system:serviceaccount:shop:cart", Audience: federation.DefaultAudience}}},
		{name: "no issuer is called dead while one cluster's is unknown", have: []federation.Credential{credential("old", 7, "cart")}, want: []string{"create " + derived},
			catalog: func(c *catalog.Catalog) {
				c.Clusters = append(c.Clusters, catalog.Cluster{Name: "dark", Region: "eastus"})
			}},
		{name: "no subject is called unknown while the coverage has gaps", have: []federation.Credential{credential("old", 1, "gone")}, want: []string{"create " + derived},
			catalog: func(c *catalog.Catalog) { c.Clusters[0].Coverage = catalog.Coverage{} }},
		{name: "a subject that nothing uses is reported", have: []federation.Credential{credential("old", 1, "gone")}, want: []string{"create " + derived}, findings: []catalog.Code{catalog.UnknownSubject}},
		{name: "a service account that the caller knows is not unknown", have: []federation.Credential{credential("old", 1, "gone")}, want: []string{"create " + derived},
			opts: &federation.PlanOptions{ServiceAccountExists: func(_, _, name string) bool { return name == "gone" }}},
		{name: "a need in a cluster of unknown issuer is a finding", catalog: func(c *catalog.Catalog) { c.Clusters[0].Issuer = "" }, findings: []catalog.Code{catalog.CoverageGap}},
		{name: "an issuer that is no https URL is a finding", catalog: func(c *catalog.Catalog) { c.Clusters[0].Issuer = "http://kubernetes.default.svc" }, findings: []catalog.Code{catalog.MalformedObject}},
		{name: "a need of an impossible name is a finding", catalog: func(c *catalog.Catalog) { c.Needs[0].ServiceAccount = "../etc" }, findings: []catalog.Code{catalog.MalformedObject}},
		{name: "a need whose identity has no ID is a finding", catalog: func(c *catalog.Catalog) { c.Needs[0].Identity = catalog.Identity{Name: "x"} }, findings: []catalog.Code{catalog.DanglingIdentity}},
		{name: "two clusters of one issuer are a finding, and the pair is wanted once", want: []string{"create " + derived}, findings: []catalog.Code{federation.SharedIssuer},
			catalog: func(c *catalog.Catalog) {
				c.Clusters = append(c.Clusters, cluster("zks", "eastus", 1))
				c.Needs = append(c.Needs, need("zks", "shop", "cart", managed("id-cart")))
			}},
		{name: "the same need twice is wanted once", want: []string{"create " + derived}, catalog: func(c *catalog.Catalog) { c.Needs = append(c.Needs, c.Needs[0]) }},
		{name: "an identity written in two letter cases is one", want: []string{"create " + derived, "create wimigrate-aks_shop_till"},
			catalog: func(c *catalog.Catalog) {
				other := managed("id-cart")
				other.ResourceID = strings.ToUpper(other.ResourceID)
				c.Needs = append(c.Needs, need("aks", "shop", "till", other))
			}},
		{name: "an identity known by its client ID alone is found by another need's", want: []string{"create " + derived, "create wimigrate-aks_shop_till"},
			catalog: func(c *catalog.Catalog) {
				c.Needs = append(c.Needs, need("aks", "shop", "till", catalog.Identity{Kind: catalog.UserAssigned, ClientID: "C-ID-CART"}))
			}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cat := one()
			if tc.catalog != nil {
				tc.catalog(cat)
			}
			have := federation.State{managed("id-cart").Key(): tc.have}
			p := mustPlan(t, cat, have, tc.opts)
			var got []string
			for _, c := range p.Changes {
				name := c.Credential.Name
				if strings.HasPrefix(name, derived+"_") {
					name = derived + "_*"
				}
				got = append(got, string(c.Action)+" "+name)
				if c.Why == "" {
					t.Errorf("%s %s has no reason", c.Action, name)
				}
				if (c.Before != nil) != (c.Action == federation.Replace) {
					t.Errorf("%s %s: before is %v", c.Action, name, c.Before)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("changes: %s", diff)
			}
			var codes []catalog.Code
			for _, f := range p.Findings {
				codes = append(codes, f.Code)
				if f.Message == "" || f.Remedy == "" || f.Severity == "" || !strings.Contains(f.Object, "/") {
					t.Errorf("finding is not complete: %+v", f)
				}
			}
			if diff := cmp.Diff(tc.findings, codes); diff != "" {
				t.Errorf("findings: %s", diff)
			}
		})
	}
}

func TestNewPlanSurvivesASecondRebuildUnderItsSecondName(t *testing.T) {
	key := managed("id-cart").Key()
	have := federation.State{key: {credential(derived, 7, "cart")}}
	added := mustPlan(t, one(), have, &federation.PlanOptions{Rebuilt: federation.AddThenRemove})
	have = federation.State{key: applied(added, have)[key][1:]} // the old one was pruned meanwhile
	again := one()
	again.Clusters[0].Issuer = issuer("eastus", 8)
	p := mustPlan(t, again, have, nil)
	if len(p.Changes) != 1 || p.Changes[0].Action != federation.Replace || p.Changes[0].Credential.Name != have[key][0].Name {
		t.Errorf("the second name was not followed: %v", lines(p))
	}
}

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

func TestPruneDeletesOnlyWhatBothGuardsLetGo(t *testing.T) {
	for _, tc := range []struct {
		name   string
		have   federation.Credential
		change func(*catalog.Catalog, *federation.PlanOptions)
		want   bool
	}{
		{name: "our name and a dead issuer go", have: credential("wimigrate-gone_shop_till", 9, "till"), want: true},
		{name: "our name and a service account that nothing uses go", have: credential("wimigrate-aks_shop_till", 1, "till"), want: true},
		{name: "a name that we could not have made stays", have: credential("fic-till", 9, "till")},
		{name: "our name for another service account stays", have: credential("wimigrate-gone_shop_other", 9, "till")},
		{name: "our name for another cluster than the issuer tells stays", have: credential("wimigrate-other_shop_till", 1, "till")},
		{name: "another prefix stays", have: credential("wimigrate-gone_shop_till", 9, "till"), change: func(_ *catalog.Catalog, o *federation.PlanOptions) { o.NamePrefix = "blue" }},
		{name: "a kept name stays", have: credential("wimigrate-gone_shop_till", 9, "till"), change: func(_ *catalog.Catalog, o *federation.PlanOptions) {
			o.KeepNames = []string{"wimigrate-gone_shop_till"}
		}},
		{name: "without the option everything stays", have: credential("wimigrate-gone_shop_till", 9, "till"), change: func(_ *catalog.Catalog, o *federation.PlanOptions) { o.Prune = false }},
		{name: "while an issuer is unknown no issuer is dead", have: credential("wimigrate-gone_shop_till", 9, "till"),
			change: func(c *catalog.Catalog, _ *federation.PlanOptions) {
				c.Clusters = append(c.Clusters, catalog.Cluster{Name: "dark"})
			}},
		{name: "while the coverage has gaps no service account is gone", have: credential("wimigrate-aks_shop_till", 1, "till"),
			change: func(c *catalog.Catalog, _ *federation.PlanOptions) { c.Clusters[0].Coverage.Complete = false }},
		{name: "identity bindings stay", have: credential(federation.IdentityBindingName, 9, "till")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cat, opts := one(), &federation.PlanOptions{Prune: true}
			if tc.change != nil {
				tc.change(cat, opts)
			}
			p := mustPlan(t, cat, federation.State{managed("id-cart").Key(): {credential(derived, 1, "cart"), tc.have}}, opts)
			if got := p.Count(federation.Delete) == 1; got != tc.want {
				t.Errorf("deleted: %v, want %v: %v", got, tc.want, lines(p))
			}
		})
	}
}

func TestNewPlanRefusesArgumentsThatCannotWork(t *testing.T) {
	for name, opts := range map[string]*federation.PlanOptions{
		"a prefix that no name may have": {NamePrefix: "-x"},
		"an audience with a wildcard":    {Audience: "api://*"},
		"an unknown way to follow":       {Rebuilt: "sometimes"},
	} {
		if _, err := federation.NewPlan(one(), nil, opts); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := federation.NewPlan(nil, nil, nil); err == nil {
		t.Error("a nil catalog: no error")
	}
}

func TestPlanIsTheSameAfterATripThroughJSON(t *testing.T) {
	cat, have := rebuiltFleet(t)
	p := mustPlan(t, cat, have, &federation.PlanOptions{Prune: true})
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back federation.Plan
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, &back); diff != "" {
		t.Error(diff)
	}
}
