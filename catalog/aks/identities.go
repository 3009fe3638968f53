package aks

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"

	"github.com/wimigrate/wimigrate/catalog"
)

// add puts the identities into a snapshot. A subscription that failed is a gap, and tried again for the next cluster.
func (i *identities) add(ctx context.Context, s *Source, snap *catalog.Snapshot) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, subscription := range i.subscriptions {
		found, known := i.done[subscription]
		if !known {
			var err error
			if found, err = listIdentities(ctx, subscription, s.cred, s.clientOptions()); err != nil {
				gap(snap, "/subscriptions/"+subscription+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities", err)
				continue
			}
			if i.done == nil {
				i.done = map[string][]catalog.ManagedIdentity{}
			}
			i.done[subscription] = found
		}
		snap.ManagedIdentities = append(snap.ManagedIdentities, found...)
		snap.ManagedIdentitiesIn = append(snap.ManagedIdentitiesIn, subscription)
		snap.ManagedIdentitiesRead = true
	}
}

// listIdentities reads all pages of a subscription's user-assigned identities.
func listIdentities(ctx context.Context, subscription string, cred azcore.TokenCredential, opts *arm.ClientOptions) ([]catalog.ManagedIdentity, error) {
	client, err := armmsi.NewUserAssignedIdentitiesClient(subscription, cred, opts)
	if err != nil {
		return nil, err
	}
	found := []catalog.ManagedIdentity{}
	for pager := client.NewListBySubscriptionPager(nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, id := range page.Value {
			if id == nil || id.ID == nil {
				continue
			}
			m := catalog.ManagedIdentity{ResourceID: *id.ID, Location: value(id.Location), Origin: "arm:" + *id.ID}
			if p := id.Properties; p != nil {
				m.ClientID, m.TenantID = value(p.ClientID), value(p.TenantID)
			}
			found = append(found, m)
		}
	}
	return found, nil
}

// value returns what p points to, or the zero value: ARM leaves out what it does not know.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
