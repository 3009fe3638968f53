package aks_test

import (
	"context"
	"fmt"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"

	"github.com/wimigrate/wimigrate/catalog/aks"
)

func ExampleNewSource() {
	source, err := aks.NewSource("prod-one", clusterID, &azfake.TokenCredential{}, options(newAzure())) // an azidentity credential in earnest
	if err != nil {
		fmt.Println(err)
		return
	}
	snap, err := source.Read(context.Background())
	fmt.Println(snap.Cluster.Name, snap.Cluster.Region, snap.Cluster.Issuer, err)
	for _, id := range snap.AddOn.Identities {
		fmt.Printf("%s/%s %q\n", id.Namespace, id.Selector, id.ProvisioningState)
	}
	// Output:
	// prod-one eastus https://eastus.oic.prod-aks.azure.com/t/g/ <nil>
	// shop/web ""
	// shop/other "Failed"
}

func ExampleSources() {
	sources, err := aks.Sources(context.Background(), "SUB-1", &azfake.TokenCredential{}, options(newAzure()))
	for _, s := range sources {
		fmt.Println(s.ClusterName())
	}
	fmt.Println(err)
	// Output:
	// one
	// two
	// <nil>
}
