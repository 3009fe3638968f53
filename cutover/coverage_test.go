package cutover_test

import (
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

func TestAGapHoldsTheUnitsItMayBearOn(t *testing.T) {
	for _, tc := range []struct {
		name string
		gap  catalog.Malformed
		mode catalog.PodIdentityMode
		held bool
	}{
		{"a workload of the same namespace", catalog.Malformed{Object: "Deployment/odd", Namespace: "shop"}, catalog.ModeStandard, true},
		{"a workload of another namespace does not", catalog.Malformed{Object: "Deployment/odd", Namespace: "other"}, catalog.ModeStandard, false},
		{"a binding of another namespace, where they match across", catalog.Malformed{Object: "AzureIdentityBinding/odd", Namespace: "other"}, catalog.ModeStandard, true},
		{"but not where they do not", catalog.Malformed{Object: "AzureIdentityBinding/odd", Namespace: "other"}, catalog.ModeManaged, false},
		{"a document that nobody can read", catalog.Malformed{Origin: "file:odd.yaml"}, catalog.ModeManaged, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := catalogtest.NewCluster("aks-1", "eastus").App("shop", "web").Edit(func(s *catalog.Snapshot) {
				s.Cluster.PodIdentityMode, s.Malformed = tc.mode, []catalog.Malformed{tc.gap}
			})
			cat, err := catalog.Reconcile([]*catalog.Snapshot{c.Snapshot()}, nil)
			if err != nil {
				t.Fatal(err)
			}
			fed, err := federation.NewPlan(cat, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := cutover.NewPlan(cat, fed, nil)
			if err != nil {
				t.Fatal(err)
			}
			held := false
			for _, b := range plan.Blocked {
				for _, r := range b.Reasons {
					held = held || r.Code == cutover.IncompleteCoverage
				}
			}
			if held != tc.held {
				t.Errorf("held: %v, want %v", held, tc.held)
			}
		})
	}
}
