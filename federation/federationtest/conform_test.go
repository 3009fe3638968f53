package federationtest_test

import (
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

func TestStoreInMemory(t *testing.T) {
	for _, kind := range []catalog.IdentityKind{catalog.UserAssigned, catalog.Application} {
		t.Run(string(kind), func(t *testing.T) {
			federationtest.TestStore(t, kind, func(_ *testing.T, c *federationtest.Cloud) federation.Store { return c.Store() })
		})
	}
}
