package federation_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

const movedSubscription = "5a1e0000-0000-4000-8000-000000000001"

// movedFleet is a fleet whose only workload has moved: its cluster tells the client ID of its identity, and nothing more.
func movedFleet() (*catalog.Catalog, catalog.Identity) {
	id := catalog.Identity{Kind: catalog.UserAssigned, Name: "id-cart", ClientID: "c1a55000-0000-4000-8000-000000000001",
		ResourceID: "/subscriptions/" + movedSubscription + "/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-cart"}
	cluster := catalog.Cluster{Name: "aks-east", Region: "eastus", Issuer: "https://eastus.oic.prod-aks.azure.com/t/1/",
		ResourceID: "/subscriptions/" + strings.ToUpper(movedSubscription) + "/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/aks-east"}
	cluster.Coverage.Complete = true
	known := catalog.Identity{Kind: catalog.UserAssigned, ClientID: strings.ToUpper(id.ClientID)}
	return &catalog.Catalog{Clusters: []catalog.Cluster{cluster}, Needs: []catalog.Need{
		{Cluster: "aks-east", Namespace: "shop", ServiceAccount: "cart", Identity: known, State: catalog.StateWorkloadIdentity},
	}}, id
}

func TestAFleetThatHasMovedCanBeObservedAndPlannedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cat, id := movedFleet()
		tenant := federationtest.NewCloud(nil)
		stale := federation.Credential{Name: federation.CredentialName("", "aks-east", "shop", "cart"), Issuer: "https://eastus.oic.prod-aks.azure.com/t/before/",
			Subject: federation.Subject("shop", "cart"), Audience: federation.DefaultAudience}
		tenant.Add(id, "eastus", stale)
		store := federation.ByKind{UserAssigned: tenant.Store()}
		if _, err := federation.Observe(t.Context(), store, cat, nil); err == nil {
			t.Fatal("an identity without a resource ID was observed: the test shows nothing")
		}
		before := *cat
		before.Needs = slices.Clone(cat.Needs)
		resolved, err := federation.Resolve(t.Context(), store, cat, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&before, cat); diff != "" {
			t.Errorf("the catalog that was given (-before +after):\n%s", diff)
		}
		have, err := federation.Observe(t.Context(), store, resolved, nil)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := federation.NewPlan(resolved, have, nil)
		if err != nil || plan.Count(federation.Replace) != 1 || slices.ContainsFunc(plan.Findings, func(f catalog.Finding) bool { return f.Severity == catalog.Blocking }) {
			t.Fatalf("plan %+v, findings %+v, error %v", plan.Changes, plan.Findings, err)
		}
		if report, err := federation.Apply(t.Context(), store, plan, nil); err != nil || !report.Complete() {
			t.Fatalf("%+v: %v", report, err)
		}
		if got := tenant.State()[id.Key()]; len(got) != 1 || got[0].Issuer != cat.Clusters[0].Issuer {
			t.Errorf("trusts %+v", got)
		}
	})
}

// directory is a scripted federation.Directory.
type directory func(subscription string) ([]catalog.Identity, error)

func (d directory) Identities(_ context.Context, subscription string) ([]catalog.Identity, error) {
	return d(subscription)
}

func TestWhatResolveAsksAndLeaves(t *testing.T) {
	t.Run("nothing is asked where nothing is missing", func(t *testing.T) {
		cat, id := movedFleet()
		cat.Needs[0].Identity = id
		cat.Needs = append(cat.Needs, catalog.Need{Identity: catalog.Identity{Kind: catalog.Application, ClientID: "app"}})
		got, err := federation.Resolve(t.Context(), directory(func(string) ([]catalog.Identity, error) { return nil, errors.New("asked") }), cat, nil)
		if err != nil || !cmp.Equal(cat, got) {
			t.Errorf("error %v, %s", err, cmp.Diff(cat, got))
		}
	})
	t.Run("every subscription that is known is asked once", func(t *testing.T) {
		cat, _ := movedFleet()
		cat.Needs = append(cat.Needs, catalog.Need{Identity: catalog.Identity{ResourceID: "/subscriptions/B/resourceGroups/rg/x"}}, catalog.Need{Identity: catalog.Identity{ResourceID: "/subscriptions/b/y"}})
		asked := make(chan string, 10)
		_, err := federation.Resolve(t.Context(), directory(func(s string) ([]catalog.Identity, error) { asked <- s; return nil, nil }), cat,
			&federation.ResolveOptions{Subscriptions: []string{"A", ""}})
		close(asked)
		var got []string
		for s := range asked {
			got = append(got, s)
		}
		slices.Sort(got)
		if diff := cmp.Diff([]string{movedSubscription, "a", "b"}, got); diff != "" || err != nil {
			t.Errorf("error %v, asked (-want +got):\n%s", err, diff)
		}
	})
	t.Run("a subscription that fails does not take the others with it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cat, id := movedFleet()
			tries := 0
			got, err := federation.Resolve(t.Context(), directory(func(s string) ([]catalog.Identity, error) {
				switch s {
				case movedSubscription:
					if tries++; tries < 3 {
						return nil, &federation.StoreError{Op: federation.OpList, Status: 429, RetryAfter: time.Minute}
					}
					return []catalog.Identity{id}, nil
				default:
					return nil, &federation.StoreError{Op: federation.OpList, Status: 403}
				}
			}), cat, &federation.ResolveOptions{Subscriptions: []string{"forbidden"}})
			failed, ok := errors.AsType[*federation.IdentityError](err)
			if !ok || failed.Identity != "/subscriptions/forbidden" || !errors.Is(err, federation.ErrForbidden) || tries != 3 {
				t.Errorf("error %v after %d tries", err, tries)
			}
			if got.Needs[0].Identity.ResourceID != id.ResourceID {
				t.Errorf("need %+v", got.Needs[0])
			}
		})
	})
	t.Run("what no subscription holds stays as it is", func(t *testing.T) {
		cat, _ := movedFleet()
		got, err := federation.Resolve(t.Context(), directory(func(string) ([]catalog.Identity, error) { return nil, nil }), cat, nil)
		if err != nil || !cmp.Equal(cat, got) {
			t.Errorf("error %v, %s", err, cmp.Diff(cat, got))
		}
	})
	t.Run("a store that cannot list says so", func(t *testing.T) {
		cat, _ := movedFleet()
		if _, err := federation.Resolve(t.Context(), federation.ByKind{}, cat, nil); err == nil || !strings.Contains(err.Error(), "cannot list") {
			t.Errorf("error %v", err)
		}
		if _, err := federation.Resolve(t.Context(), nil, cat, nil); err == nil {
			t.Error("no error without a directory")
		}
	})
}
