package federation_test

import (
	"context"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/armfic"
	"github.com/wimigrate/wimigrate/federation/federationtest"
	"github.com/wimigrate/wimigrate/federation/graphfic"
)

// opaque is a credential whose tokens nobody looks into.
type opaque struct{}

func (opaque) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "opaque", ExpiresOn: time.Now().Add(24 * time.Hour)}, nil
}

// The whole way through the Azure SDK's clients and HTTP bodies of ARM and Graph: rates, faults, lost replies and all.
func TestApplyThroughARMAndGraph(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cat, have := rebuiltFleet(t)
		cloud := seed(cat, have, &federationtest.CloudOptions{Latency: 50 * time.Millisecond, ARMRates: federation.ARMRates(), GraphRates: federation.GraphRates(),
			Fault: federationtest.Mix{Conflict: 0.1, Throttle: 0.1, Unavailable: 0.1, DropRequest: 0.05, DropReply: 0.1}.Random(11)})
		managed, err := armfic.NewStore(opaque{}, &arm.ClientOptions{ClientOptions: policy.ClientOptions{Transport: cloud.ARM()}})
		if err != nil {
			t.Fatal(err)
		}
		apps, err := graphfic.NewStore(opaque{}, &azcore.ClientOptions{Transport: cloud.Graph()})
		if err != nil {
			t.Fatal(err)
		}
		store, opts := federation.ByKind{UserAssigned: managed, Application: apps}, &federation.PlanOptions{Prune: true}
		before, err := federation.Observe(t.Context(), store, cat, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := mustPlan(t, cat, before, opts)
		if p.Digest() != mustPlan(t, cat, have, opts).Digest() {
			t.Error("what was read over HTTP plans otherwise than what is there")
		}
		report, err := federation.Apply(t.Context(), store, p, nil)
		if err != nil || !report.Complete() {
			t.Fatalf("%v", err)
		}
		converged(t, store, cat, opts)
	})
}
