package federation_test

import (
	"context"
	"fmt"

	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

// What has moved is observed like everything else, once ARM has said which resources the client IDs belong to.
func ExampleResolve() {
	cat, id := movedFleet()
	tenant := federationtest.NewCloud(nil)
	tenant.Add(id, "eastus")
	store := federation.ByKind{UserAssigned: tenant.Store()}
	cat, err := federation.Resolve(context.Background(), store, cat, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	have, err := federation.Observe(context.Background(), store, cat, nil)
	fmt.Println(cat.Needs[0].Identity.ResourceID)
	fmt.Println(len(have), err)
	// Output:
	// /subscriptions/5a1e0000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-cart
	// 1 <nil>
}
