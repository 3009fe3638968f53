package armfic

import (
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/internal/refusal"
)

// Identities returns the user-assigned managed identities of a subscription. It needs
// Microsoft.ManagedIdentity/userAssignedIdentities/read on the subscription.
// https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities/list-by-subscription
func (s *Store) Identities(ctx context.Context, subscription string) ([]catalog.Identity, error) {
	call := refusal.Call{Package: "armfic", Op: federation.OpList, Identity: "/subscriptions/" + subscription}
	client, err := armmsi.NewUserAssignedIdentitiesClient(subscription, s.cred, &s.opts)
	if err != nil {
		return nil, call.Local(err)
	}
	found := []catalog.Identity{}
	pager := client.NewListBySubscriptionPager(nil)
	for page := 0; pager.More(); page++ {
		if page == maxIdentityPages {
			return nil, call.Local(fmt.Errorf("the listing goes on after %d pages", maxIdentityPages))
		}
		answer, err := pager.NextPage(ctx)
		if err != nil {
			return nil, call.Error(err)
		}
		for _, id := range answer.Value {
			if id == nil || id.Properties == nil {
				continue
			}
			found = append(found, catalog.Identity{
				Kind: catalog.UserAssigned, Name: value(id.Name), ResourceID: value(id.ID),
				ClientID: value(id.Properties.ClientID), TenantID: value(id.Properties.TenantID),
			})
		}
	}
	return found, nil
}

// maxIdentityPages ends a listing whose next links lead nowhere.
const maxIdentityPages = 10_000
