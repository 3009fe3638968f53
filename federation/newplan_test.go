package federation_test

import (
	"encoding/json"
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
		{name: "a client ID that another need knows for an application's is the application's", want: []string{"create " + derived, "create wimigrate-aks_shop_till"},
			catalog: func(c *catalog.Catalog) {
				c.Needs[0].Identity = catalog.Identity{Kind: catalog.UserAssigned, ClientID: "AB", TenantID: "t", Name: "guessed"}
				c.Needs = append(c.Needs, need("aks", "shop", "till", catalog.Identity{Kind: catalog.Application, ClientID: "ab"}))
			}},
		{name: "an identity of which only the client ID is known cannot be written to", want: []string{"create " + derived}, findings: []catalog.Code{catalog.CoverageGap},
			catalog: func(c *catalog.Catalog) {
				c.Needs[0].Identity = catalog.Identity{Kind: catalog.UserAssigned, ClientID: "only-this"}
			}},
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
