package catalog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
)

const resourceID = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ids/providers/Microsoft.ManagedIdentity/userAssignedIdentities/orders"

func meta(namespace, name string) catalog.Meta { return catalog.Meta{Namespace: namespace, Name: name} }

func orders() *catalog.Snapshot {
	return &catalog.Snapshot{
		Cluster:         catalog.Cluster{Name: "aks-1", Region: "eastus", Coverage: catalog.Coverage{Complete: true}},
		Identities:      []catalog.AzureIdentity{{Meta: meta("shop", "orders"), ResourceID: resourceID, ClientID: "11111111-1111-1111-1111-111111111111"}},
		Bindings:        []catalog.AzureIdentityBinding{{Meta: meta("shop", "orders-binding"), AzureIdentity: "orders", Selector: "orders"}},
		ServiceAccounts: []catalog.ServiceAccount{{Meta: meta("shop", "orders")}},
		Workloads: []catalog.Workload{{
			Meta:         catalog.Meta{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "orders"},
			TemplatePath: "spec.template",
			Template:     catalog.PodTemplate{Labels: map[string]string{"aadpodidbinding": "orders"}, ServiceAccount: "orders"},
		}},
	}
}

func TestReconcileOneNeed(t *testing.T) {
	got, err := catalog.Reconcile([]*catalog.Snapshot{orders()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []catalog.Need{{
		Cluster: "aks-1", Namespace: "shop", ServiceAccount: "orders",
		Identity: catalog.Identity{Kind: catalog.UserAssigned, Name: "orders", ResourceID: resourceID, ClientID: "11111111-1111-1111-1111-111111111111"},
		Bindings: []string{"orders-binding"}, Selector: "orders",
		Workloads: []catalog.WorkloadRef{{APIVersion: "apps/v1", Kind: "Deployment", Name: "orders"}}, State: catalog.StatePodIdentity,
	}}
	if diff := cmp.Diff(want, got.Needs); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
	if len(got.Findings) != 0 {
		t.Errorf("findings of a clean namespace: %v", got.Findings)
	}
	if got.Clusters[0].PodIdentityMode != catalog.ModeStandard {
		t.Errorf("mode %q", got.Clusters[0].PodIdentityMode)
	}
}
