package federationtest_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

type token struct{}

func (token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "opaque", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

var id = catalog.Identity{Kind: catalog.UserAssigned, Name: "id", ClientID: "aaaaaaaa-0000-4000-8000-00000000000a",
	ResourceID: "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id"}

// The generated client itself, with its own retries, pages and decoding, talks to the double.
func TestARMUnderTheGeneratedClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := federationtest.NewCloud(&federationtest.CloudOptions{PageSize: 1, Fault: federationtest.First(federation.OpPut, 1, federationtest.Fault{Status: 503, Code: "ServerBusy"})})
		tenant.Add(id, "westeurope")
		opts := &arm.ClientOptions{ClientOptions: policy.ClientOptions{Transport: tenant.ARM()}}
		client, err := armmsi.NewFederatedIdentityCredentialsClient("sub", token{}, opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"one", "two", "three"} {
			_, err := client.CreateOrUpdate(t.Context(), "rg", "id", name, armmsi.FederatedIdentityCredential{Properties: &armmsi.FederatedIdentityCredentialProperties{
				Issuer: new("https://issuer.example/" + name), Subject: new("system:serviceaccount:a:b"), Audiences: []*string{new("api://AzureADTokenExchange")}}}, nil)
			if err != nil {
				t.Fatal(err)
			}
		}
		got, err := client.Get(t.Context(), "RG", "ID", "two", nil)
		if err != nil || *got.Properties.Issuer != "https://issuer.example/two" {
			t.Errorf("Get: %v, %v", got.Properties, err)
		}
		if _, err := client.Delete(t.Context(), "rg", "id", "two", nil); err != nil {
			t.Error(err)
		}
		var names []string
		for pager := client.NewListPager("rg", "id", nil); pager.More(); {
			page, err := pager.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range page.Value {
				names = append(names, *v.Name)
			}
		}
		if len(names) != 2 || names[0] != "one" || names[1] != "three" {
			t.Errorf("listed %v", names)
		}
		identities, err := armmsi.NewUserAssignedIdentitiesClient("sub", token{}, opts)
		if err != nil {
			t.Fatal(err)
		}
		one, err := identities.NewListBySubscriptionPager(nil).NextPage(t.Context())
		if err != nil || len(one.Value) != 1 || *one.Value[0].Properties.ClientID != id.ClientID {
			t.Errorf("identities: %v, %v", one.Value, err)
		}
	})
}

// Behind a real listener the same service answers, pages and drops connections.
func TestARMBehindAListener(t *testing.T) {
	tenant := federationtest.NewCloud(&federationtest.CloudOptions{PageSize: 1, Fault: federationtest.First(federation.OpPut, 1, federationtest.Fault{DropReply: true})})
	tenant.Add(id, "westeurope", federation.Credential{Name: "old", Issuer: "https://a.example/", Subject: "s", Audience: "a"}, federation.Credential{Name: "older", Issuer: "https://b.example/", Subject: "s", Audience: "a"})
	server := httptest.NewTLSServer(tenant.ARM())
	defer server.Close()
	opts := &arm.ClientOptions{ClientOptions: policy.ClientOptions{Transport: server.Client(), Retry: policy.RetryOptions{MaxRetries: -1}}}
	opts.Cloud.ActiveDirectoryAuthorityHost = "https://login.example/"
	opts.Cloud.Services = map[cloud.ServiceName]cloud.ServiceConfiguration{"resourceManager": {Endpoint: server.URL, Audience: "https://management.example"}}
	client, err := armmsi.NewFederatedIdentityCredentialsClient("sub", token{}, opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateOrUpdate(t.Context(), "rg", "id", "new", armmsi.FederatedIdentityCredential{Properties: &armmsi.FederatedIdentityCredentialProperties{
		Issuer: new("https://c.example/"), Subject: new("s"), Audiences: []*string{new("a")}}}, nil); err == nil {
		t.Error("the reply should have been lost")
	}
	n := 0
	for pager := client.NewListPager("rg", "id", nil); pager.More(); {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Value)
	}
	if n != 3 {
		t.Errorf("%d credentials, want the two old ones and the one whose reply was lost", n)
	}
}
