package federationtest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"

	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

func ExampleNewCloud() {
	cloud := federationtest.NewCloud(nil)
	cloud.Add(id, "westeurope")
	store := cloud.Store()
	credential := federation.Credential{Name: "one", Issuer: "https://issuer.example/", Subject: "system:serviceaccount:a:b", Audience: federation.DefaultAudience}
	fmt.Println(store.Put(context.Background(), id, credential))
	credential.Name = "two"
	fmt.Println(errors.Is(store.Put(context.Background(), id, credential), federation.ErrDuplicate))
	// Output:
	// <nil>
	// true
}

func ExampleCloud_ARM() {
	cloud := federationtest.NewCloud(&federationtest.CloudOptions{ARMRates: federation.ARMRates()})
	cloud.Add(id, "westeurope", federation.Credential{Name: "one", Issuer: "https://issuer.example/", Subject: "s", Audience: "a"})
	client, err := armmsi.NewFederatedIdentityCredentialsClient("sub", token{}, &arm.ClientOptions{ClientOptions: policy.ClientOptions{Transport: cloud.ARM()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := client.Get(context.Background(), "rg", "id", "one", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*got.Properties.Issuer)
	// Output: https://issuer.example/
}

func ExampleMix_Random() {
	cloud := federationtest.NewCloud(&federationtest.CloudOptions{Fault: federationtest.Mix{Conflict: 1}.Random(42)})
	cloud.Add(id, "westeurope")
	err := cloud.Store().Put(context.Background(), id, federation.Credential{Name: "one"})
	fmt.Println(errors.Is(err, federation.ErrConflict))
	// Output: true
}
