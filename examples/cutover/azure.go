package main

import (
	"cmp"
	"context"
	"net/http"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/armfic"
)

// azureWorld is the Azure side of a real run: ARM, asked as whoever az or the environment says that we are, and Entra.
type azureWorld struct {
	authority string
	tenant    string
	who       azcore.TokenCredential
	arm       arm.ClientOptions
	store     federation.Store
	exchange  func(ctx context.Context, tenantID, clientID, assertion string) (credential.Claims, error)
}

// newAzureWorld uses the endpoints of the fleet's cloud, or those that AZURE_AUTHORITY_HOST and -arm name instead.
func newAzureWorld(name, endpoint, tenant string) (*azureWorld, error) {
	known := cloudOf(name)
	opts := azcore.ClientOptions{Cloud: known}
	opts.Cloud.ActiveDirectoryAuthorityHost = cmp.Or(os.Getenv("AZURE_AUTHORITY_HOST"), known.ActiveDirectoryAuthorityHost)
	if endpoint != "" {
		manager := known.Services[cloud.ResourceManager]
		manager.Endpoint = endpoint
		opts.Cloud.Services = map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: manager}
	}
	// An authority of one's own is one that the public clouds' discovery does not know.
	private := opts.Cloud.ActiveDirectoryAuthorityHost != known.ActiveDirectoryAuthorityHost
	who, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: opts, DisableInstanceDiscovery: private})
	if err != nil {
		return nil, err
	}
	store, err := armfic.NewStore(who, &arm.ClientOptions{ClientOptions: opts})
	if err != nil {
		return nil, err
	}
	return &azureWorld{authority: opts.Cloud.ActiveDirectoryAuthorityHost, tenant: tenant, who: who, arm: arm.ClientOptions{ClientOptions: opts}, store: store,
		exchange: credential.Exchange(&credential.ExchangeOptions{ClientOptions: opts, DisableInstanceDiscovery: private})}, nil
}

func cloudOf(name string) cloud.Configuration {
	switch name {
	case catalog.AzureUSGovernment:
		return cloud.AzureGovernment
	case catalog.AzureChina:
		return cloud.AzureChina
	}
	return cloud.AzurePublic
}

// clock is what Entra says the time is.
func (a *azureWorld) clock(ctx context.Context) (time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, a.authority, nil)
	if err != nil {
		return time.Time{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return time.Time{}, err
	}
	defer resp.Body.Close()
	return http.ParseTime(resp.Header.Get("Date"))
}

// Exchange implements cutover.Exchanger.
func (a *azureWorld) Exchange(ctx context.Context, r cutover.ExchangeRequest) (cutover.Claims, error) {
	c, err := a.exchange(ctx, cmp.Or(r.TenantID, a.tenant), r.ClientID, r.Assertion)
	return cutover.Claims{AppID: c.ClientID, ObjectID: c.ObjectID, TenantID: c.TenantID}, err
}
