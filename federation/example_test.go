package federation_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

// shop is a catalog of one cluster and one need, as catalog.Scan would return it.
func shop() *catalog.Catalog {
	return &catalog.Catalog{
		Clusters: []catalog.Cluster{{Name: "aks-eastus", Region: "eastus", Issuer: "https://eastus.oic.prod-aks.azure.com/tenant/cluster-1/", Coverage: catalog.Coverage{Complete: true}}},
		Needs: []catalog.Need{{Cluster: "aks-eastus", Namespace: "shop", ServiceAccount: "cart", Identity: catalog.Identity{
			Kind: catalog.UserAssigned, Name: "id-cart", ClientID: "c0ffee00-0000-0000-0000-000000000001", TenantID: "11111111-2222-3333-4444-555555555555",
			ResourceID: "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-cart"}}},
	}
}

// unpaced is for a double without rates; leave Pacing zero for Azure.
func unpaced() federation.Pacing {
	return federation.Pacing{ARM: &federation.Rates{}, Graph: &federation.Rates{}, Backoff: time.Millisecond}
}

func ExampleNewPlan() {
	plan, err := federation.NewPlan(shop(), federation.State{}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for change := range plan.Pending() {
		fmt.Println(change.Action, change.Credential.Name)
		fmt.Println(change.Credential.Subject)
		fmt.Println(change.Why)
	}
	// Output:
	// create wimigrate-aks-eastus_shop_cart
	// system:serviceaccount:shop:cart
	// no credential trusts this service account yet
}

func ExampleNewPlan_rebuiltCluster() {
	key := shop().Needs[0].Identity.Key()
	before, _ := federation.NewPlan(shop(), federation.State{key: nil}, nil)
	have := before.After(federation.State{key: nil})

	rebuilt := shop()
	rebuilt.Clusters[0].Issuer = "https://eastus.oic.prod-aks.azure.com/tenant/cluster-2/"
	plan, err := federation.NewPlan(rebuilt, have, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for change := range plan.Pending() {
		fmt.Println(change.Action, change.Credential.Name, "in place")
		fmt.Println("was", change.Before.Issuer)
		fmt.Println("now", change.Credential.Issuer)
	}
	// Output:
	// replace wimigrate-aks-eastus_shop_cart in place
	// was https://eastus.oic.prod-aks.azure.com/tenant/cluster-1/
	// now https://eastus.oic.prod-aks.azure.com/tenant/cluster-2/
}

func ExamplePlan_Show() {
	plan, err := federation.NewPlan(shop(), federation.State{shop().Needs[0].Identity.Key(): nil}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := plan.Show(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Federation plan, topology keep: 1 to create, 0 to replace, 0 to delete, 0 kept, on 1 identities.
	//
	// /subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-cart (0 → 1 of 20, 0 of others)
	//   + wimigrate-aks-eastus_shop_cart
	//       issuer    https://eastus.oic.prod-aks.azure.com/tenant/cluster-1/
	//       subject   system:serviceaccount:shop:cart
	//       audience  api://AzureADTokenExchange
	//       why       no credential trusts this service account yet
}

func ExampleApply() {
	ctx := context.Background()
	cloud := federationtest.NewCloud(nil)
	cloud.AddAll(shop(), "eastus")
	store := cloud.Store() // armfic.NewStore for Azure

	have, err := federation.Observe(ctx, store, shop(), &federation.ObserveOptions{Pacing: unpaced()})
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := federation.NewPlan(shop(), have, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := federation.Apply(ctx, store, plan, &federation.ApplyOptions{Pacing: unpaced()})
	fmt.Println(report.Count(federation.Applied), "applied,", err)

	have, _ = federation.Observe(ctx, store, shop(), &federation.ObserveOptions{Pacing: unpaced()})
	again, _ := federation.NewPlan(shop(), have, nil)
	fmt.Println("converged:", again.Converged())
	// Output:
	// 1 applied, <nil>
	// converged: true
}

func ExampleObserve() {
	cloud := federationtest.NewCloud(nil)
	cloud.Add(shop().Needs[0].Identity, "eastus", federation.Credential{Name: "made-by-hand", Issuer: "https://issuer.example/", Subject: "s", Audience: "a"})
	have, err := federation.Observe(context.Background(), cloud.Store(), shop(), nil)
	for key, credentials := range have {
		fmt.Println(key[len(key)-len("id-cart"):], credentials[0].Name, err)
	}
	// Output: id-cart made-by-hand <nil>
}

func ExampleApplyFile() {
	dir, err := os.MkdirTemp("", "plan")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "plan.json")
	cloud := federationtest.NewCloud(nil)
	cloud.AddAll(shop(), "eastus")
	plan, _ := federation.NewPlan(shop(), cloud.State(), nil)
	if err := federation.SaveFile(path, plan); err != nil {
		fmt.Println(err)
		return
	}
	opts := &federation.ApplyOptions{Pacing: unpaced()}
	_, err = federation.ApplyFile(context.Background(), cloud.Store(), path, opts)
	fmt.Println("first:", err)
	_, err = federation.ApplyFile(context.Background(), cloud.Store(), path, opts)
	fmt.Println("second is used:", errors.Is(err, federation.ErrUsed))
	saved, err := federation.LoadFile(path)
	fmt.Println(saved.Status, err)
	// Output:
	// first: <nil>
	// second is used: true
	// applied <nil>
}

func ExampleProve() {
	ctx := context.Background()
	cloud := federationtest.NewCloud(nil)
	cloud.AddAll(shop(), "eastus")
	plan, _ := federation.NewPlan(shop(), cloud.State(), nil)
	report, err := federation.Apply(ctx, cloud.Store(), plan, &federation.ApplyOptions{Pacing: unpaced()})
	if err != nil {
		fmt.Println(err)
		return
	}
	e := &entra{cloud: cloud} // in production: a TokenRequest, and a POST to login.microsoftonline.com
	proofs, err := federation.Prove(ctx, plan.Targets(report), mint, e.exchange, &federation.ProveOptions{Settle: -1, Every: time.Millisecond})
	fmt.Println(proofs[0].ServiceAccount, "proven:", proofs[0].Proven, "after", len(proofs[0].Attempts), "exchanges,", err)
	// Output: cart proven: true after 3 exchanges, <nil>
}

func ExampleStoreError() {
	err := error(&federation.StoreError{Op: federation.OpPut, Identity: "id-cart", Credential: "c-1", Status: 405, Code: "MethodNotAllowed",
		Message: "Support for federated identity credentials not enabled"})
	fmt.Println(errors.Is(err, federation.ErrUnsupportedRegion))
	fmt.Println(err)
	// Output:
	// true
	// federation: put id-cart: credential c-1: HTTP 405 MethodNotAllowed: Support for federated identity credentials not enabled; use an identity of another region; it need not be the cluster's
}
