package armfic_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/armfic"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

// A cluster whose workloads have moved knows the client ID of an identity, and nothing more.
func ExampleStore_Identities() {
	id := catalog.Identity{
		Kind: catalog.UserAssigned, ClientID: "c1a55000-0000-4000-8000-000000000001",
		ResourceID: "/subscriptions/5a1e0000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-payments",
	}
	tenant := federationtest.NewCloud(nil)
	tenant.Add(id, "westeurope")
	store, err := armfic.NewStore(&azfake.TokenCredential{}, &arm.ClientOptions{ClientOptions: policy.ClientOptions{Transport: tenant.ARM()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	cat := &catalog.Catalog{Needs: []catalog.Need{{
		Cluster: "aks-east", Namespace: "payments", ServiceAccount: "api", Identity: catalog.Identity{Kind: catalog.UserAssigned, ClientID: id.ClientID},
	}}}
	cat, err = federation.Resolve(context.Background(), store, cat, &federation.ResolveOptions{Subscriptions: []string{"5a1e0000-0000-4000-8000-000000000001"}})
	fmt.Println(cat.Needs[0].Identity.ResourceID == id.ResourceID, err)
	// Output: true <nil>
}

func ExampleNewStore() {
	id := catalog.Identity{
		Kind: catalog.UserAssigned, Name: "payments", ClientID: "c1a55000-0000-4000-8000-000000000001",
		ResourceID: "/subscriptions/5a1e0000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-payments",
	}
	tenant := federationtest.NewCloud(nil)
	tenant.Add(id, "westeurope")
	store, err := armfic.NewStore(&azfake.TokenCredential{}, &arm.ClientOptions{ClientOptions: policy.ClientOptions{Transport: tenant.ARM()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	c := federation.Credential{
		Name: "wimigrate-aks-east_shop_cart", Issuer: "https://eastus.oic.prod-aks.azure.com/t/g/",
		Subject: "system:serviceaccount:shop:cart", Audience: federation.DefaultAudience,
	}
	fmt.Println(store.Put(ctx, id, c))
	found, err := store.List(ctx, id)
	fmt.Println(len(found), found[0] == c, err)
	c.Name = "the-same-pair-again"
	fmt.Println(errors.Is(store.Put(ctx, id, c), federation.ErrDuplicate))
	// Output:
	// <nil>
	// 1 true <nil>
	// true
}
