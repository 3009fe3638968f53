package federation_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

func TestByKindConforms(t *testing.T) {
	for _, kind := range []catalog.IdentityKind{catalog.UserAssigned, catalog.Application} {
		federationtest.TestStore(t, kind, func(_ *testing.T, c *federationtest.Cloud) federation.Store {
			if kind == catalog.Application {
				return federation.ByKind{Application: c.Store()}
			}
			return federation.ByKind{UserAssigned: c.Store()}
		})
	}
}

func ExampleByKind() {
	cloud := federationtest.NewCloud(nil)
	app := catalog.Identity{Kind: catalog.Application, ClientID: "c1a55000-0000-4000-8000-000000000001"}
	cloud.Add(app, "")
	ctx := context.Background()
	fmt.Println(federation.ByKind{Application: cloud.Store()}.List(ctx, app))
	_, err := federation.ByKind{UserAssigned: cloud.Store()}.List(ctx, app)
	fmt.Println(err)
	// Output:
	// [] <nil>
	// federation: no store is given for identities of kind application, such as c1a55000-0000-4000-8000-000000000001
}
