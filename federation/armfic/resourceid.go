package armfic

import (
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"

	"github.com/wimigrate/wimigrate/catalog"
)

const identityType = "Microsoft.ManagedIdentity/userAssignedIdentities"

// parse reads the resource ID of a user-assigned identity, in whatever letter case it was written.
func parse(id catalog.Identity) (*arm.ResourceID, error) {
	if id.Kind == catalog.Application {
		return nil, errors.New("an app registration is not ARM's: use the store of package graphfic")
	}
	if id.ResourceID == "" {
		return nil, errors.New("the resource ID of the identity is not known: read the managed identities of the subscription, or name it where the identity is declared")
	}
	parsed, err := arm.ParseResourceID(id.ResourceID)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(parsed.ResourceType.String(), identityType) || parsed.Parent == nil ||
		parsed.Parent.ResourceType.String() != arm.ResourceGroupResourceType.String() || parsed.SubscriptionID == "" || parsed.Name == "" {
		return nil, fmt.Errorf("%q is not the resource ID of a user-assigned identity: /subscriptions/…/resourceGroups/…/providers/%s/…",
			id.ResourceID, identityType)
	}
	return parsed, nil
}
