package main

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/armfic"
	"github.com/wimigrate/wimigrate/federation/federationtest"
	"github.com/wimigrate/wimigrate/federation/graphfic"
)

// open returns the stores of Azure, or of a tenant in memory behind the very same clients.
func open(double bool, w world) (federation.Store, federation.Pacing, error) {
	var cred azcore.TokenCredential = &azfake.TokenCredential{}
	var managed arm.ClientOptions
	var applications azcore.ClientOptions
	var pacing federation.Pacing
	var err error
	if double {
		tenant := tenantOf(w.catalog, w.have)
		managed.Transport, applications.Transport = tenant.ARM(), tenant.Graph()
		pacing.ARM, pacing.Graph = &federation.Rates{}, &federation.Rates{} // nobody waits for a double
	} else {
		managed.Cloud = cloudOf(w.cloud)
		applications.Cloud = managed.Cloud
		if cred, err = azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: applications}); err != nil {
			return nil, pacing, err
		}
	}
	var stores federation.ByKind
	if stores.UserAssigned, err = armfic.NewStore(cred, &managed); err != nil {
		return nil, pacing, err
	}
	if stores.Application, err = graphfic.NewStore(cred, &applications); err != nil {
		return nil, pacing, err
	}
	return stores, pacing, nil
}

// tenantOf returns a tenant in memory that has the catalog's identities and trusts what they trust today.
func tenantOf(cat *catalog.Catalog, have federation.State) *federationtest.Cloud {
	tenant := federationtest.NewCloud(nil)
	for _, n := range cat.Needs {
		tenant.Add(n.Identity, "westeurope", have[n.Identity.Key()]...)
	}
	return tenant
}

// cloudOf returns the cloud that a fleet file names.
func cloudOf(name string) cloud.Configuration {
	switch name {
	case catalog.AzureUSGovernment:
		return cloud.AzureGovernment
	case catalog.AzureChina:
		return cloud.AzureChina
	}
	return cloud.AzurePublic
}
