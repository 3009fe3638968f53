package aks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"

	"github.com/wimigrate/wimigrate/catalog"
)

// Options say how ARM is read; nil means the defaults.
type Options struct {
	// ClientOptions are those of the ARM clients: cloud, retries, transport.
	arm.ClientOptions
	// Subscriptions are searched for user-assigned identities beside that of the cluster. Identities of a subscription that is not
	// searched are unknown, never gone.
	Subscriptions []string
	// NoIdentities leaves the search for user-assigned identities out.
	NoIdentities bool
}

// Source reads one managed cluster through ARM. It is safe for concurrent use.
type Source struct {
	name   string
	id     *arm.ResourceID
	cred   azcore.TokenCredential
	opts   Options
	shared *identities // nil: read them for this cluster alone
}

var _ catalog.Source = (*Source)(nil)

// NewSource returns a source for the managed cluster with the given resource ID, under the fleet's name for it; empty takes the name
// in Azure.
func NewSource(name, resourceID string, cred azcore.TokenCredential, opts *Options) (*Source, error) {
	if cred == nil {
		return nil, errors.New("aks: a credential is required")
	}
	id, err := arm.ParseResourceID(resourceID)
	if err != nil || !strings.EqualFold(id.ResourceType.String(), "Microsoft.ContainerService/managedClusters") {
		return nil, fmt.Errorf("aks: %q is not the resource ID of a managed cluster", resourceID)
	}
	s := &Source{name: cmp.Or(name, id.Name), id: id, cred: cred}
	if opts != nil {
		s.opts = *opts
	}
	s.shared = newIdentities(s.subscriptions())
	return s, nil
}

// subscriptions are those to search, the cluster's own first.
func (s *Source) subscriptions() []string {
	all := append([]string{s.id.SubscriptionID}, s.opts.Subscriptions...)
	for i := range all {
		all[i] = strings.ToLower(all[i])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// ClusterName implements [catalog.Source].
func (s *Source) ClusterName() string { return s.name }

// Read implements [catalog.Source]: one GET for the cluster, and the pages of each subscription's identities. Identities that cannot
// be read are a gap; a cluster that cannot be is an error.
func (s *Source) Read(ctx context.Context) (*catalog.Snapshot, error) {
	snap := &catalog.Snapshot{Origin: "arm:" + s.id.String(), ARMOnly: true}
	snap.Cluster = catalog.Cluster{Name: s.name, ResourceID: s.id.String(), Region: s.id.Location, Coverage: catalog.Coverage{Complete: true}}
	client, err := armcontainerservice.NewManagedClustersClient(s.id.SubscriptionID, s.cred, s.clientOptions())
	if err != nil {
		return s.failed(snap, err)
	}
	answer, err := client.Get(ctx, s.id.ResourceGroupName, s.id.Name, nil)
	if err != nil {
		return s.failed(snap, err)
	}
	describe(snap, &answer.ManagedCluster, s.name)
	if !s.opts.NoIdentities {
		s.shared.add(ctx, s, snap)
	}
	return snap, nil
}

func (s *Source) clientOptions() *arm.ClientOptions {
	o := s.opts.ClientOptions
	o.DisableRPRegistration = true // a catalog changes nothing
	return &o
}

func (s *Source) failed(snap *catalog.Snapshot, err error) (*catalog.Snapshot, error) {
	gap(snap, s.id.String(), err)
	return snap, &catalog.ClusterError{Cluster: s.name, Err: err}
}

// gap marks a snapshot as incomplete.
func gap(snap *catalog.Snapshot, resource string, err error) {
	reason := firstLine(err)
	if response, ok := errors.AsType[*azcore.ResponseError](err); ok {
		reason = strings.TrimSpace(fmt.Sprintf("HTTP %d %s", response.StatusCode, response.ErrorCode))
		if response.StatusCode == 403 {
			reason += ": grant Reader on it"
		}
	}
	snap.Cluster.Coverage.Complete = false
	snap.Cluster.Coverage.Gaps = append(snap.Cluster.Coverage.Gaps, catalog.Gap{Resource: resource, Reason: reason})
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
