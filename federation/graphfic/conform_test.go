package graphfic_test

import (
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
	"github.com/wimigrate/wimigrate/federation/graphfic"
)

func TestStoreConforms(t *testing.T) {
	federationtest.TestStore(t, catalog.Application, func(t *testing.T, c *federationtest.Cloud) federation.Store {
		t.Helper()
		store, err := graphfic.NewStore(&asked{}, &azcore.ClientOptions{Transport: c.Graph()})
		if err != nil {
			t.Fatal(err)
		}
		return store
	})
}
