package aks_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	acs "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"
	acsfake "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6/fake"
	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog/aks"
)

// addOn is ARM with one cluster, which may be changed.
type addOn struct {
	cluster acs.ManagedCluster
	etag    string // what it answers; by it alone may the cluster be changed
	moved   bool   // somebody changes the cluster after each read
	puts    int
}

func (a *addOn) server() *azure {
	return &azure{clusters: acsfake.NewManagedClustersServerTransport(&acsfake.ManagedClustersServer{
		Get: func(context.Context, string, string, *acs.ManagedClustersClientGetOptions) (resp azfake.Responder[acs.ManagedClustersClientGetResponse], errResp azfake.ErrorResponder) {
			c := a.cluster
			c.ETag = new(a.etag)
			resp.SetResponse(http.StatusOK, acs.ManagedClustersClientGetResponse{ManagedCluster: c}, nil)
			if a.moved {
				a.etag += "'"
			}
			return
		},
		BeginCreateOrUpdate: func(_ context.Context, _, _ string, c acs.ManagedCluster, o *acs.ManagedClustersClientBeginCreateOrUpdateOptions) (
			resp azfake.PollerResponder[acs.ManagedClustersClientCreateOrUpdateResponse], errResp azfake.ErrorResponder,
		) {
			a.puts++
			if o == nil || o.IfMatch == nil || *o.IfMatch != a.etag {
				errResp.SetResponseError(http.StatusPreconditionFailed, "EtagMismatch")
				return
			}
			resp.AddNonTerminalResponse(http.StatusCreated, nil)
			a.cluster = c
			resp.SetTerminalResponse(http.StatusOK, acs.ManagedClustersClientCreateOrUpdateResponse{ManagedCluster: c}, nil)
			return
		},
	})}
}

// entries are the names in the profile.
func (a *addOn) entries() []string {
	var out []string
	for _, e := range a.cluster.Properties.PodIdentityProfile.UserAssignedIdentities {
		out = append(out, *e.Namespace+"/"+*e.Name)
	}
	return out
}

func TestAnEntryLeavesThePodIdentityProfile(t *testing.T) {
	for name, tc := range map[string]struct {
		namespace, binding string
		moved              bool
		want               []string
		puts               int
		code               string
	}{
		"that of the binding, and no other":       {namespace: "shop", binding: "web-binding", want: []string{"shop/broken"}, puts: 1},
		"one that is gone already":                {namespace: "shop", binding: "gone-binding", want: []string{"shop/web", "shop/broken"}},
		"one of that name in another namespace":   {namespace: "orders", binding: "web-binding", want: []string{"shop/web", "shop/broken"}},
		"a cluster that somebody changes as well": {namespace: "shop", binding: "web-binding", moved: true, want: []string{"shop/web", "shop/broken"}, puts: 1, code: "EtagMismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &addOn{cluster: cluster(), etag: "1", moved: tc.moved}
			before := len(a.cluster.Properties.PodIdentityProfile.UserAssignedIdentityExceptions)
			p, err := aks.NewPodIdentities(clusterID, &azfake.TokenCredential{}, options(a.server()))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // to ask again changes nothing more
				err = p.Remove(t.Context(), tc.namespace, tc.binding)
				if tc.code != "" {
					break
				}
			}
			if got, ok := errors.AsType[*azcore.ResponseError](err); (tc.code != "") != ok || ok && got.ErrorCode != tc.code {
				t.Errorf("error %v, want %q", err, tc.code)
			}
			if diff := cmp.Diff(tc.want, a.entries()); diff != "" || a.puts != tc.puts {
				t.Errorf("%d changes; entries (-want +got):\n%s", a.puts, diff)
			}
			profile := a.cluster.Properties.PodIdentityProfile
			if !*profile.Enabled || len(profile.UserAssignedIdentityExceptions) != before || *a.cluster.Properties.OidcIssuerProfile.IssuerURL == "" {
				t.Error("something else of the cluster was changed")
			}
		})
	}
}
