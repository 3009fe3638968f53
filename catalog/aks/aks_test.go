package aks_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	acs "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"
	acsfake "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
	msifake "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi/fake"
	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/aks"
)

const (
	clusterID  = "/subscriptions/SUB-1/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/one"
	identityID = "/subscriptions/SUB-1/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/web"
)

// azure answers for both resource providers.
type azure struct {
	clusters   policy.Transporter
	identities policy.Transporter
	requests   int
}

// Do implements policy.Transporter.
func (a *azure) Do(r *http.Request) (*http.Response, error) {
	a.requests++
	if strings.Contains(r.URL.Path, "ManagedIdentity") {
		return a.identities.Do(r)
	}
	return a.clusters.Do(r)
}

func cluster() acs.ManagedCluster {
	state := acs.ManagedClusterPodIdentityProvisioningStateFailed
	return acs.ManagedCluster{
		ID: new(clusterID), Name: new("one"), Location: new("eastus"),
		Properties: &acs.ManagedClusterProperties{
			OidcIssuerProfile: &acs.ManagedClusterOIDCIssuerProfile{Enabled: new(true), IssuerURL: new("https://eastus.oic.prod-aks.azure.com/t/g/")},
			PodIdentityProfile: &acs.ManagedClusterPodIdentityProfile{
				Enabled: new(true),
				UserAssignedIdentities: []*acs.ManagedClusterPodIdentity{
					{Name: new("web"), Namespace: new("shop"), Identity: &acs.UserAssignedIdentity{ClientID: new("c"), ResourceID: new(identityID)}},
					{
						Name: new("broken"), Namespace: new("shop"), BindingSelector: new("other"), ProvisioningState: &state,
						ProvisioningInfo: &acs.ManagedClusterPodIdentityProvisioningInfo{Error: &acs.ManagedClusterPodIdentityProvisioningError{
							Error: &acs.ManagedClusterPodIdentityProvisioningErrorBody{
								Code: new("PodIdentityAddonIdentitiesAssignmentError"), Message: new("not assigned"),
								Details: []*acs.ManagedClusterPodIdentityProvisioningErrorBody{{Message: new("no permission")}},
							},
						}},
					},
				},
				UserAssignedIdentityExceptions: []*acs.ManagedClusterPodIdentityException{
					{Name: new("aks-addon-exception"), Namespace: new("kube-system"), PodLabels: map[string]*string{"kubernetes.azure.com/managedby": new("aks")}},
					{Name: new("agent"), Namespace: new("shop"), PodLabels: map[string]*string{"app": new("agent")}},
				},
			},
		},
	}
}

func newAzure() *azure {
	return &azure{
		clusters: acsfake.NewManagedClustersServerTransport(&acsfake.ManagedClustersServer{
			Get: func(_ context.Context, _, name string, _ *acs.ManagedClustersClientGetOptions) (resp azfake.Responder[acs.ManagedClustersClientGetResponse], errResp azfake.ErrorResponder) {
				if name != "one" {
					errResp.SetResponseError(http.StatusNotFound, "ResourceNotFound")
					return
				}
				resp.SetResponse(http.StatusOK, acs.ManagedClustersClientGetResponse{ManagedCluster: cluster()}, nil)
				return
			},
			NewListPager: func(*acs.ManagedClustersClientListOptions) (resp azfake.PagerResponder[acs.ManagedClustersClientListResponse]) {
				for _, id := range []string{clusterID, strings.Replace(clusterID, "/one", "/two", 1)} {
					resp.AddPage(http.StatusOK, acs.ManagedClustersClientListResponse{ManagedClusterListResult: acs.ManagedClusterListResult{
						Value: []*acs.ManagedCluster{{ID: new(id)}}}}, nil)
				}
				return
			},
		}),
		identities: msifake.NewUserAssignedIdentitiesServerTransport(&msifake.UserAssignedIdentitiesServer{
			NewListBySubscriptionPager: func(*armmsi.UserAssignedIdentitiesClientListBySubscriptionOptions) (resp azfake.PagerResponder[armmsi.UserAssignedIdentitiesClientListBySubscriptionResponse]) {
				for _, name := range []string{"web", "batch"} {
					resp.AddPage(http.StatusOK, armmsi.UserAssignedIdentitiesClientListBySubscriptionResponse{UserAssignedIdentitiesListResult: armmsi.UserAssignedIdentitiesListResult{
						Value: []*armmsi.Identity{{ID: new(strings.Replace(identityID, "/web", "/"+name, 1)), Location: new("eastus"), Properties: &armmsi.UserAssignedIdentityProperties{ClientID: new("client-" + name), TenantID: new("t")}}},
					}}, nil)
				}
				return
			},
		}),
	}
}

func options(a *azure) *aks.Options {
	o := &aks.Options{}
	o.Transport = a
	o.Retry.MaxRetries = -1
	return o
}

func TestARMIsASource(t *testing.T) {
	s, err := aks.NewSource("", clusterID, &azfake.TokenCredential{}, options(newAzure()))
	if err != nil {
		t.Fatal(err)
	}
	snap, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	origin := "arm:" + clusterID
	want := &catalog.Snapshot{
		Origin: origin, ARMOnly: true,
		Cluster: catalog.Cluster{Name: "one", Region: "eastus", ResourceID: clusterID, Issuer: "https://eastus.oic.prod-aks.azure.com/t/g/",
			Coverage: catalog.Coverage{Complete: true}},
		AddOn: &catalog.AddOn{
			Enabled: true, Origin: origin,
			Identities: []catalog.AddOnIdentity{
				{Name: "web", Namespace: "shop", Selector: "web", ResourceID: identityID, ClientID: "c"},
				{Name: "broken", Namespace: "shop", Selector: "other", ProvisioningState: "Failed", ProvisioningError: "PodIdentityAddonIdentitiesAssignmentError: not assigned; no permission"},
			},
			Exceptions: []catalog.AddOnException{{Name: "agent", Namespace: "shop", PodLabels: map[string]string{"app": "agent"}}},
		},
		ManagedIdentities: []catalog.ManagedIdentity{
			{ResourceID: identityID, ClientID: "client-web", TenantID: "t", Location: "eastus", Origin: "arm:" + identityID},
			{ResourceID: strings.Replace(identityID, "/web", "/batch", 1), ClientID: "client-batch", TenantID: "t", Location: "eastus", Origin: "arm:" + strings.Replace(identityID, "/web", "/batch", 1)},
		},
		ManagedIdentitiesRead: true, ManagedIdentitiesIn: []string{"sub-1"},
	}
	if diff := cmp.Diff(want, snap); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
}

func TestSourcesOfASubscriptionShareItsIdentities(t *testing.T) {
	a := newAzure()
	sources, err := aks.Sources(t.Context(), "SUB-1", &azfake.TokenCredential{}, options(a))
	if err != nil || len(sources) != 2 {
		t.Fatalf("sources %v, error %v", sources, err)
	}
	a.requests = 0
	snaps, err := catalog.ReadAll(t.Context(), sources, &catalog.ScanOptions{Concurrency: 1})
	if err == nil || !strings.Contains(err.Error(), "catalog: cluster \"two\"") {
		t.Errorf("a cluster that is gone: %v", err)
	}
	if snaps[1].Cluster.Coverage.Complete || snaps[1].Cluster.Coverage.Gaps[0].Reason != "HTTP 404 ResourceNotFound" {
		t.Errorf("coverage %+v", snaps[1].Cluster.Coverage)
	}
	if len(snaps[0].ManagedIdentities) != 2 || a.requests != 4 { // two clusters, two pages of identities
		t.Errorf("%d identities in %d requests", len(snaps[0].ManagedIdentities), a.requests)
	}
}

// hanging is a transport that answers when its request ends.
type hanging struct{}

// Do implements policy.Transporter.
func (hanging) Do(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestNobodyWaitsForTheIdentitiesLongerThanHisContextPermits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAzure()
		a.identities = hanging{}
		sources, err := aks.Sources(t.Context(), "SUB-1", &azfake.TokenCredential{}, options(a))
		if err != nil {
			t.Fatal(err)
		}
		patient, end := context.WithCancel(t.Context())
		hasty, giveUp := context.WithCancel(t.Context())
		var snap *catalog.Snapshot
		var first, second sync.WaitGroup
		first.Go(func() { _, err = sources[0].Read(patient) }) // it has the turn
		synctest.Wait()
		second.Go(func() { snap, _ = sources[0].Read(hasty) }) // it waits for the turn
		synctest.Wait()
		giveUp()
		second.Wait()
		if c := snap.Cluster.Coverage; c.Complete || len(c.Gaps) != 1 || c.Gaps[0].Reason != context.Canceled.Error() {
			t.Errorf("coverage %+v", c)
		}
		end()
		if first.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestAListingThatFailsNamesItsSubscription(t *testing.T) {
	a := newAzure()
	a.clusters = acsfake.NewManagedClustersServerTransport(&acsfake.ManagedClustersServer{
		NewListPager: func(*acs.ManagedClustersClientListOptions) (resp azfake.PagerResponder[acs.ManagedClustersClientListResponse]) {
			resp.AddResponseError(http.StatusForbidden, "AuthorizationFailed")
			return
		},
	})
	_, err := aks.Sources(t.Context(), "SUB-1", &azfake.TokenCredential{}, options(a))
	if _, ok := errors.AsType[*azcore.ResponseError](err); !ok || !strings.HasPrefix(err.Error(), "aks: list the managed clusters of subscription SUB-1: ") {
		t.Errorf("error %v", err)
	}
}

func TestIdentitiesThatCannotBeReadAreAGap(t *testing.T) {
	a := newAzure()
	a.identities = msifake.NewUserAssignedIdentitiesServerTransport(&msifake.UserAssignedIdentitiesServer{
		NewListBySubscriptionPager: func(*armmsi.UserAssignedIdentitiesClientListBySubscriptionOptions) (resp azfake.PagerResponder[armmsi.UserAssignedIdentitiesClientListBySubscriptionResponse]) {
			resp.AddResponseError(http.StatusForbidden, "AuthorizationFailed")
			return
		},
	})
	s, err := aks.NewSource("prod", clusterID, &azfake.TokenCredential{}, options(a))
	if err != nil {
		t.Fatal(err)
	}
	snap, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.Coverage{Gaps: []catalog.Gap{{Resource: "/subscriptions/sub-1/providers/Microsoft.ManagedIdentity/userAssignedIdentities", Reason: "HTTP 403 AuthorizationFailed: grant Reader on it"}}}
	if diff := cmp.Diff(want, snap.Cluster.Coverage); diff != "" || snap.ManagedIdentitiesRead {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
}

func TestAResourceIDOfSomethingElseIsRefused(t *testing.T) {
	for _, id := range []string{"", "one", identityID} {
		if _, err := aks.NewSource("", id, &azfake.TokenCredential{}, nil); err == nil {
			t.Errorf("%q was taken for a cluster", id)
		}
	}
}
