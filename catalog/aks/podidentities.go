package aks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"
)

// PodIdentities are the entries of a managed cluster's podIdentityProfile, from which the Pod Identity add-on makes an AzureIdentity and an
// AzureIdentityBinding each: what is deleted in the cluster it makes again. It is safe for concurrent use.
type PodIdentities struct {
	source *Source
	client *armcontainerservice.ManagedClustersClient
	turn   chan struct{} // ARM takes one change of a cluster at a time
}

// NewPodIdentities returns the entries of the managed cluster with the given resource ID.
func NewPodIdentities(resourceID string, cred azcore.TokenCredential, opts *Options) (*PodIdentities, error) {
	s, err := NewSource("", resourceID, cred, opts)
	if err != nil {
		return nil, err
	}
	client, err := armcontainerservice.NewManagedClustersClient(s.id.SubscriptionID, cred, s.clientOptions())
	if err != nil {
		return nil, fmt.Errorf("aks: %w", err)
	}
	return &PodIdentities{source: s, client: client, turn: make(chan struct{}, 1)}, nil
}

// Remove takes the entry of a binding out of the profile, as az aks pod-identity delete does, and returns when ARM has made the change; the
// add-on then takes binding and identity out of the cluster. An entry that is not there is no error. A cluster that somebody else
// changes meanwhile is refused by ARM (412 or 409): ask again.
// https://learn.microsoft.com/azure/aks/use-azure-ad-pod-identity
func (p *PodIdentities) Remove(ctx context.Context, namespace, binding string) error {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	id := p.source.id
	answer, err := p.client.Get(ctx, id.ResourceGroupName, id.Name, nil)
	if err != nil {
		return p.failed(namespace, binding, err)
	}
	c := answer.ManagedCluster
	if c.Properties == nil || c.Properties.PodIdentityProfile == nil {
		return nil
	}
	profile := c.Properties.PodIdentityProfile
	left := slices.DeleteFunc(slices.Clone(profile.UserAssignedIdentities), func(e *armcontainerservice.ManagedClusterPodIdentity) bool {
		return e != nil && e.Name != nil && e.Namespace != nil && *e.Namespace == namespace && *e.Name == strings.TrimSuffix(binding, bindingSuffix)
	})
	if len(left) == len(profile.UserAssignedIdentities) {
		return nil
	}
	profile.UserAssignedIdentities = left
	poller, err := p.client.BeginCreateOrUpdate(ctx, id.ResourceGroupName, id.Name, c,
		&armcontainerservice.ManagedClustersClientBeginCreateOrUpdateOptions{IfMatch: c.ETag})
	if err != nil {
		return p.failed(namespace, binding, err)
	}
	if _, err := poller.PollUntilDone(ctx, nil); err != nil {
		return p.failed(namespace, binding, err)
	}
	return nil
}

// bindingSuffix is what the add-on adds to the name of an entry to name its binding.
const bindingSuffix = "-binding"

func (p *PodIdentities) failed(namespace, binding string, err error) error {
	return fmt.Errorf("aks: remove the entry of %s/%s from podIdentityProfile of %s: %w", namespace, binding, p.source.id, err)
}
