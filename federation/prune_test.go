package federation_test

import (
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

func TestPruneDeletesOnlyWhatBothGuardsLetGo(t *testing.T) {
	for _, tc := range []struct {
		name   string
		have   federation.Credential
		change func(*catalog.Catalog, *federation.PlanOptions)
		want   bool
	}{
		{name: "our name and a dead issuer go", have: credential("wimigrate-aks_shop_till", 9, "till"), want: true},
		{name: "our name for a cluster that is gone for good goes", have: credential("wimigrate-gone_shop_till", 9, "till"), want: true,
			change: func(_ *catalog.Catalog, o *federation.PlanOptions) { o.FormerClusters = []string{"gone"} }},
		{name: "our name for a cluster that nobody knows stays: another fleet may have it", have: credential("wimigrate-gone_shop_till", 9, "till")},
		{name: "our name and an issuer that no token has go", want: true,
			have: federation.Credential{Name: "wimigrate-aks_shop_till", Issuer: strings.TrimSuffix(issuer("eastus", 1), "/"), Subject: "system:serviceaccount:shop:till", Audience: federation.DefaultAudience}},
		{name: "our name and a service account that nothing uses go", have: credential("wimigrate-aks_shop_till", 1, "till"), want: true},
		{name: "a name that we could not have made stays", have: credential("fic-till", 9, "till")},
		{name: "our name for another service account stays", have: credential("wimigrate-aks_shop_other", 9, "till")},
		{name: "our name for another cluster than the issuer tells stays", have: credential("wimigrate-other_shop_till", 1, "till")},
		{name: "another prefix stays", have: credential("wimigrate-aks_shop_till", 9, "till"), change: func(_ *catalog.Catalog, o *federation.PlanOptions) { o.NamePrefix = "blue" }},
		{name: "a kept name stays", have: credential("wimigrate-aks_shop_till", 9, "till"), change: func(_ *catalog.Catalog, o *federation.PlanOptions) {
			o.KeepNames = []string{"wimigrate-aks_shop_till"}
		}},
		{name: "without the option everything stays", have: credential("wimigrate-aks_shop_till", 9, "till"), change: func(_ *catalog.Catalog, o *federation.PlanOptions) { o.Prune = false }},
		{name: "while an issuer is unknown no issuer is dead", have: credential("wimigrate-aks_shop_till", 9, "till"),
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
