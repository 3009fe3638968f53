package azure

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// NewIdentity describes a user-assigned managed identity with a client ID derived from its resource ID, so that runs are comparable.
func NewIdentity(resourceGroup, name string) catalog.Identity {
	id := ResourceID(resourceGroup, name)
	return catalog.Identity{Kind: catalog.UserAssigned, Name: name, TenantID: TenantID, ClientID: guid("client:" + id), ResourceID: id}
}

// Ensure makes a user-assigned managed identity in a region, or returns the one of that name.
func (a *Azure) Ensure(resourceGroup, name, region string) catalog.Identity {
	id := NewIdentity(resourceGroup, name)
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.ensured[id.ClientID] {
		a.ensured[id.ClientID] = true
		a.Cloud.Add(id, region)
	}
	return id
}

// Identity finds an identity by its client ID, as MIC does through ARM and a machine's metadata service by itself.
func (a *Azure) Identity(ctx context.Context, clientID string) (credentialtest.Identity, error) {
	return a.trust(ctx, TenantID, clientID)
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
