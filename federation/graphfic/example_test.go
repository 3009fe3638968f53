package graphfic_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
	"github.com/wimigrate/wimigrate/federation/graphfic"
)

func ExampleNewStore() {
	id := catalog.Identity{Kind: catalog.Application, Name: "reports", ClientID: "c1a55000-0000-4000-8000-000000000001"}
	tenant := federationtest.NewCloud(nil)
	tenant.Add(id, "westeurope")
	store, err := graphfic.NewStore(&azfake.TokenCredential{}, &azcore.ClientOptions{Transport: tenant.Graph()})
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
