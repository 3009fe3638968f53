package aks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"

	"github.com/wimigrate/wimigrate/catalog"
)

// shippedException is the exception that the add-on brings for AKS's own pods; it says nothing of the estate.
// https://learn.microsoft.com/azure/aks/use-azure-ad-pod-identity
const shippedException = "aks-addon-exception"

// Sources returns a source for each managed cluster of a subscription, in the order of ARM's pages, under its name in Azure. The
// identities of the subscription are read once for all of them. On an error the clusters that were listed come back with it.
func Sources(ctx context.Context, subscription string, cred azcore.TokenCredential, opts *Options) ([]catalog.Source, error) {
	if cred == nil {
		return nil, errors.New("aks: a credential is required")
	}
	var o arm.ClientOptions
	if opts != nil {
		o = opts.ClientOptions
	}
	o.DisableRPRegistration = true
	client, err := armcontainerservice.NewManagedClustersClient(subscription, cred, &o)
	if err != nil {
		return nil, fmt.Errorf("aks: %w", err)
	}
	var sources []catalog.Source
	var shared *identities
	for pager := client.NewListPager(nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return sources, fmt.Errorf("aks: list the managed clusters of subscription %s: %w", subscription, err)
		}
		for _, c := range page.Value {
			if c == nil || c.ID == nil {
				continue
			}
			s, err := NewSource("", *c.ID, cred, opts)
			if err != nil {
				return sources, err
			}
			shared = cmp.Or(shared, s.shared)
			s.shared = shared
			sources = append(sources, s)
		}
	}
	return sources, nil
}

// describe puts what ARM says of a cluster into a snapshot.
func describe(snap *catalog.Snapshot, c *armcontainerservice.ManagedCluster, name string) {
	snap.Cluster.Name = name
	snap.Cluster.ResourceID = cmp.Or(value(c.ID), snap.Cluster.ResourceID)
	snap.Cluster.Region = value(c.Location)
	p := c.Properties
	if p == nil {
		return
	}
	if issuer := p.OidcIssuerProfile; issuer != nil {
		snap.Cluster.Issuer = value(issuer.IssuerURL)
		if snap.Cluster.Issuer == "" && value(issuer.Enabled) {
			gap(snap, snap.Cluster.ResourceID, errors.New("the OIDC issuer is enabled and has no URL: an update is in progress; read again later"))
		}
	}
	if profile := p.PodIdentityProfile; profile != nil {
		snap.AddOn = addOn(profile, snap.Origin)
	} else {
		snap.AddOn = &catalog.AddOn{Origin: snap.Origin}
	}
}

func addOn(p *armcontainerservice.ManagedClusterPodIdentityProfile, origin string) *catalog.AddOn {
	out := &catalog.AddOn{Enabled: value(p.Enabled), Origin: origin}
	for _, e := range p.UserAssignedIdentities {
		if e == nil {
			continue
		}
		id := catalog.AddOnIdentity{
			Name: value(e.Name), Namespace: value(e.Namespace), Selector: cmp.Or(value(e.BindingSelector), value(e.Name)),
			ProvisioningState: string(value(e.ProvisioningState)), ProvisioningError: provisioningError(e.ProvisioningInfo),
		}
		if i := e.Identity; i != nil {
			id.ResourceID, id.ClientID = value(i.ResourceID), value(i.ClientID)
		}
		out.Identities = append(out.Identities, id)
	}
	for _, e := range p.UserAssignedIdentityExceptions {
		if e == nil || value(e.Name) == shippedException {
			continue
		}
		x := catalog.AddOnException{Name: value(e.Name), Namespace: value(e.Namespace), PodLabels: map[string]string{}}
		for k, v := range e.PodLabels {
			x.PodLabels[k] = value(v)
		}
		out.Exceptions = append(out.Exceptions, x)
	}
	return out
}

// provisioningError puts an error and its details into one line.
func provisioningError(info *armcontainerservice.ManagedClusterPodIdentityProvisioningInfo) string {
	if info == nil || info.Error == nil {
		return ""
	}
	var parts []string
	var walk func(*armcontainerservice.ManagedClusterPodIdentityProvisioningErrorBody, int)
	walk = func(b *armcontainerservice.ManagedClusterPodIdentityProvisioningErrorBody, depth int) {
		if b == nil || depth > 5 {
			return
		}
		parts = append(parts, strings.Trim(value(b.Code)+": "+value(b.Message), ": "))
		for _, d := range b.Details {
			walk(d, depth+1)
		}
	}
	walk(info.Error.Error, 0)
	return strings.Join(parts, "; ")
}
