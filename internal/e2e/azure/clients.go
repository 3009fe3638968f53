package azure

import (
	"context"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
	"github.com/wimigrate/wimigrate/federation/armfic"
)

// HTTPClient returns a client that trusts the fleet's servers and keeps connections of its own.
func (a *Azure) HTTPClient() *http.Client { return &http.Client{Transport: a.transport()} }

// ClientOptions point an Azure SDK client at the doubles.
func (a *Azure) ClientOptions() azcore.ClientOptions {
	return azcore.ClientOptions{
		Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: a.EntraURL, Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
			cloud.ResourceManager: {Endpoint: a.ARMURL, Audience: "https://management.azure.com"}}},
		Transport: a.HTTPClient(),
	}
}

// Operator is the credential of the person who may write to ARM: Entra's double issues its tokens, signed like any other.
func (a *Azure) Operator() azcore.TokenCredential { return operator{a} }

type operator struct{ azure *Azure }

func (o operator) GetToken(_ context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	t, err := o.azure.Entra.Issue(credentialtest.Identity{TenantID: TenantID, ClientID: guid("operator"), ObjectID: guid("operator object")},
		fmt.Sprint(opts.Scopes))
	return azcore.AccessToken{Token: t.Value, ExpiresOn: t.ExpiresOn}, err
}

// Store returns the real store of federated credentials over ARM's endpoint, TLS and all.
func (a *Azure) Store() (*armfic.Store, error) {
	return armfic.NewStore(a.Operator(), &arm.ClientOptions{ClientOptions: a.ClientOptions()})
}

// Exchange returns a function that exchanges a service-account token at Entra's endpoint and verifies the access token that comes back.
func (a *Azure) Exchange() func(ctx context.Context, tenantID, clientID, assertion string) (credential.Claims, error) {
	return credential.Exchange(&credential.ExchangeOptions{ClientOptions: a.ClientOptions(), DisableInstanceDiscovery: true})
}
