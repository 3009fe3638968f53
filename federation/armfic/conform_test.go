package armfic_test

import (
	"testing"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/armfic"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

func TestStoreConforms(t *testing.T) {
	federationtest.TestStore(t, catalog.UserAssigned, func(t *testing.T, c *federationtest.Cloud) federation.Store {
		t.Helper()
		store, err := armfic.NewStore(&azfake.TokenCredential{}, &arm.ClientOptions{ClientOptions: policy.ClientOptions{Transport: c.ARM()}})
		if err != nil {
			t.Fatal(err)
		}
		return store
	})
}
