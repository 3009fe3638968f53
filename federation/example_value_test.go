package federation_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// estate is shop in two regions, with one identity in each.
func estate() *catalog.Catalog {
	cat, west := shop(), shop()
	west.Clusters[0].Name, west.Clusters[0].Region, west.Clusters[0].Issuer = "aks-westeurope", "westeurope", "https://westeurope.oic.prod-aks.azure.com/tenant/cluster-2/"
	west.Needs[0].Cluster, west.Needs[0].Identity.ResourceID = "aks-westeurope", west.Needs[0].Identity.ResourceID+"-westeurope"
	cat.Clusters, cat.Needs = append(cat.Clusters, west.Clusters...), append(cat.Needs, west.Needs...)
	return cat
}

func ExampleCompare() {
	rows, err := federation.Compare(estate(), federation.State{}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range rows {
		fmt.Printf("%s: %d identities, %d credentials, reach into other regions %d\n", r.Topology, r.Identities, r.Credentials, r.Blast.MaxOtherRegion)
	}
	// Output:
	// keep: 2 identities, 2 credentials, reach into other regions 0
	// per-workload: 1 identities, 2 credentials, reach into other regions 1
	// per-cluster: 2 identities, 2 credentials, reach into other regions 0
}

func ExampleTopologyFunc() {
	perNamespace := federation.TopologyFunc("per-namespace", func(n catalog.Need, c catalog.Cluster) catalog.Identity {
		return federation.ProposeIdentity("/subscriptions/s/resourceGroups/rg-"+c.Region, "id-"+n.Namespace, n.Identity.TenantID)
	})
	plan, err := federation.NewPlan(estate(), federation.State{}, &federation.PlanOptions{Topology: perNamespace})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, id := range plan.Identities {
		fmt.Println(id.ID, "proposed:", id.Proposed)
	}
	// Output:
	// /subscriptions/s/resourceGroups/rg-eastus/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-shop proposed: true
	// /subscriptions/s/resourceGroups/rg-westeurope/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-shop proposed: true
}

func ExampleParseTopology() {
	t, err := federation.ParseTopology("per-workload")
	fmt.Println(t.Name, err)
	_, err = federation.ParseTopology("per-pod")
	fmt.Println(err)
	// Output:
	// per-workload <nil>
	// federation: unknown topology "per-pod": want keep, per-workload or per-cluster
}

func ExampleTrustOf() {
	plan, err := federation.NewPlan(estate(), nil, &federation.PlanOptions{Topology: federation.PerWorkload()})
	if err != nil {
		fmt.Println(err)
		return
	}
	trust := federation.TrustOf(estate(), plan.After(nil))
	if err := trust.Markdown(os.Stdout); err != nil {
		fmt.Println(err)
	}
	isolation, _ := errors.AsType[*federation.IsolationError](trust.AssertRegional())
	fmt.Println("shared by", isolation.Regions)
	// Output:
	// | identity | aks-eastus | aks-westeurope |
	// |---|---:|---:|
	// | id-shop_cart | 1 | 1 |
	// shared by [eastus westeurope]
}

func ExampleTrust_Diff() {
	plan, err := federation.NewPlan(estate(), nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	before, after := federation.TrustOf(estate(), federation.State{}), federation.TrustOf(estate(), plan.After(nil))
	for _, e := range after.Diff(before).Added {
		fmt.Println("added", e.Cluster, e.Namespace, e.ServiceAccount)
	}
	// Output:
	// added aks-eastus shop cart
	// added aks-westeurope shop cart
}

func ExampleTrust_Text() {
	plan, err := federation.NewPlan(shop(), nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := federation.TrustOf(shop(), plan.After(nil)).Text(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// CLUSTER     REGION  IDENTITIES  REACHES OF OTHER CLUSTERS  OF OTHER REGIONS
	// aks-eastus  eastus  1           0                          0
	//
	// IDENTITY                                                                                               CLUSTERS    TRUSTED ELSEWHERE
	// /subscriptions/s/resourcegroups/rg/providers/microsoft.managedidentity/userassignedidentities/id-cart  aks-eastus  0
}

func ExampleFindDrift() {
	key := shop().Needs[0].Identity.Key()
	plan, _ := federation.NewPlan(shop(), federation.State{key: nil}, nil)
	settled := plan.After(federation.State{key: nil})

	now := federation.State{key: {settled[key][0]}}
	now[key][0].Issuer = "https://eastus.oic.prod-aks.azure.com/tenant/cluster-1" // pasted without its slash
	drift, err := federation.FindDrift(shop(), now, settled, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("clean:", drift.Clean(), "edits:", len(drift.Edits))
	for _, f := range drift.Plan.Findings {
		fmt.Println(f.Severity, f.Code, "→", f.Remedy)
	}
	// Output:
	// clean: false edits: 1
	// error near-miss-issuer → the plan mends it
}

func ExampleSave() {
	plan, err := federation.NewPlan(shop(), nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	if err := federation.Save(&file, plan); err != nil {
		fmt.Println(err)
		return
	}
	saved, err := federation.Load(bytes.NewReader(file.Bytes()))
	fmt.Println(saved.Status, saved.Digest == plan.Digest(), err)
	_, err = federation.Load(bytes.NewReader(bytes.Replace(file.Bytes(), []byte("cart"), []byte("root"), 1)))
	fmt.Println(err)
	// Output:
	// new true <nil>
	// federation: load plan: the saved plan was edited or damaged: plan again
}

func ExampleCredential_Validate() {
	c := federation.Credential{Name: "c=", Issuer: "https://issuer.example/ ", Subject: "system:serviceaccount:shop:*", Audience: federation.DefaultAudience}
	fmt.Println(c.Validate())
	// Output:
	// federation: name "c=": must be 3 to 120 letters, digits, '-' and '_', the first a letter or a digit
	// federation: issuer "https://issuer.example/ ": must not have space around it: Azure stores it, and no token ever matches
	// federation: subject "system:serviceaccount:shop:*": must not hold a wildcard: matching is exact
}

func ExampleCredentialName() {
	fmt.Println(federation.CredentialName("", "aks-eastus", "shop", "cart"))
	fmt.Println(federation.CredentialName("", "aks-eastus", "shop", "cart.v2"))
	// Output:
	// wimigrate-aks-eastus_shop_cart
	// wimigrate-aks-eastus_shop_cart-v2_714b40e99814
}

func ExampleParseSubject() {
	namespace, account, ok := federation.ParseSubject(federation.Subject("shop", "cart"))
	fmt.Println(namespace, account, ok)
	// Output: shop cart true
}

func ExampleIsAKSIssuer() {
	fmt.Println(federation.IsAKSIssuer("https://eastus.oic.prod-aks.azure.com/tenant/cluster/"))
	fmt.Println(federation.IsAKSIssuer("https://token.actions.githubusercontent.com"))
	// Output:
	// true
	// false
}

func ExampleAccessTokenClaims() {
	claims, err := federation.AccessTokenClaims("e30.eyJhcHBpZCI6ImMwZmZlZSIsInRpZCI6InRlbmFudCJ9.c2ln")
	fmt.Println(claims.ClientID, claims.TenantID, err)
	// Output: c0ffee tenant <nil>
}

func ExampleARMRates() {
	fmt.Println("one write to an identity every", 1/federation.ARMRates().Put.Identity, "seconds")
	// Output: one write to an identity every 4 seconds
}

func ExampleProposeIdentity() {
	fmt.Println(federation.ProposeIdentity("/subscriptions/s/resourceGroups/rg", "id-shop/cart", "").Name)
	// Output: id-shop-cart_ba9b593af0bb
}
