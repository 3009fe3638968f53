package azure

import (
	"crypto/sha256"
	"fmt"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// NewIdentity makes a user-assigned managed identity with a client ID derived from its name, so that runs are comparable.
func NewIdentity(resourceGroup, name string) credentialtest.Identity {
	id := ResourceID(resourceGroup, name)
	return credentialtest.Identity{
		TenantID: TenantID, ClientID: guid("client:" + id), ObjectID: guid("object:" + id), ResourceID: id,
	}
}

// ResourceID is the ARM resource ID of a user-assigned managed identity.
func ResourceID(resourceGroup, name string) string {
	return fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.ManagedIdentity/userAssignedIdentities/%s",
		SubscriptionID, resourceGroup, name)
}

func guid(from string) string {
	h := sha256.Sum256([]byte(from))
	return fmt.Sprintf("%x-%x-4%s-8%s-%x", h[0:4], h[4:6], hex(h[6:8]), hex(h[8:10]), h[10:16])
}

// hex leaves room for the digit that a GUID reserves for its version or variant.
func hex(b []byte) string { return fmt.Sprintf("%x", b)[1:] }
