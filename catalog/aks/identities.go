package aks

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"

	"github.com/wimigrate/wimigrate/catalog"
)

// identities are the user-assigned identities of some subscriptions, read once for all clusters that share them.
type identities struct {
	subscriptions []string

	turn chan struct{}                        // holds one element: the right to read, and to use done
	done map[string][]catalog.ManagedIdentity // by subscription
}

func newIdentities(subscriptions []string) *identities {
	return &identities{subscriptions: subscriptions, turn: make(chan struct{}, 1), done: map[string][]catalog.ManagedIdentity{}}
}

// add puts the identities into a snapshot. A subscription that failed is a gap, and tried again for the next cluster. Who waits for
// another cluster's reading waits no longer than its own context permits.
func (i *identities) add(ctx context.Context, s *Source, snap *catalog.Snapshot) {
	select {
	case i.turn <- struct{}{}:
		defer func() { <-i.turn }()
	case <-ctx.Done():
	}
	for _, subscription := range i.subscriptions {
		found, err := i.read(ctx, s, subscription)
		if err != nil {
			gap(snap, "/subscriptions/"+subscription+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities", err)
			continue
		}
		snap.ManagedIdentities = append(snap.ManagedIdentities, found...)
		snap.ManagedIdentitiesIn = append(snap.ManagedIdentitiesIn, subscription)
		snap.ManagedIdentitiesRead = true
	}
}

// read returns the identities of a subscription, from ARM the first time.
func (i *identities) read(ctx context.Context, s *Source, subscription string) ([]catalog.ManagedIdentity, error) {
	if err := ctx.Err(); err != nil { // it may not be our turn
		return nil, err
	}
	if found, known := i.done[subscription]; known {
		return found, nil
	}
	found, err := listIdentities(ctx, subscription, s.cred, s.clientOptions())
	if err == nil {
		i.done[subscription] = found
	}
	return found, err
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
