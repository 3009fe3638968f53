package catalog_test

import (
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
)

// TestServiceAccountsThatNobodyDumpedAreNotMissing: every namespace of a cluster has a service account, so a snapshot without a single
// one was made without reading them.
func TestServiceAccountsThatNobodyDumpedAreNotMissing(t *testing.T) {
	snap := &catalog.Snapshot{
		Cluster:    catalog.Cluster{Name: "c", Coverage: catalog.Coverage{Complete: true}},
		Identities: []catalog.AzureIdentity{{Meta: catalog.Meta{Namespace: "a", Name: "i"}, ClientID: "id"}},
		Bindings:   []catalog.AzureIdentityBinding{{Meta: catalog.Meta{Namespace: "a", Name: "b"}, AzureIdentity: "i", Selector: "s"}},
		Workloads: []catalog.Workload{{Meta: catalog.Meta{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "a", Name: "w"},
			Template: catalog.PodTemplate{Labels: map[string]string{"aadpodidbinding": "s"}, ServiceAccount: "web"}}},
	}
	missing := func() int {
		cat, err := catalog.Reconcile([]*catalog.Snapshot{snap}, nil)
		if err != nil || len(cat.Needs) != 1 {
			t.Fatalf("%v, %d needs", err, len(cat.Needs))
		}
		n := 0
		for _, f := range cat.Findings {
			if f.Code == catalog.MissingServiceAccount {
				n++
			}
		}
		return n
	}
	if n := missing(); n != 0 {
		t.Errorf("none dumped: %d findings", n)
	}
	snap.ServiceAccounts = []catalog.ServiceAccount{{Meta: catalog.Meta{Namespace: "a", Name: "default"}}}
	if n := missing(); n != 1 {
		t.Errorf("dumped without it: %d findings", n)
	}
}

// TestAnOrphanSaysWhereNobodyLooked: a scan that left out unknown kinds must not send anyone to delete what they may use.
func TestAnOrphanSaysWhereNobodyLooked(t *testing.T) {
	for _, skipped := range []bool{false, true} {
		cat, err := catalog.Reconcile([]*catalog.Snapshot{{
			Cluster: catalog.Cluster{Name: "c", Coverage: catalog.Coverage{Complete: true}}, UnknownKindsSkipped: skipped,
			Identities: []catalog.AzureIdentity{{Meta: catalog.Meta{Namespace: "a", Name: "i"}, ClientID: "id",
				ResourceID: "/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"}},
			Bindings: []catalog.AzureIdentityBinding{{Meta: catalog.Meta{Namespace: "a", Name: "b"}, AzureIdentity: "i", Selector: "s"}},
		}}, nil)
		if err != nil || len(cat.Findings) != 1 || cat.Findings[0].Code != catalog.OrphanBinding {
			t.Fatalf("%v: %+v", err, cat.Findings)
		}
		if says := strings.Contains(cat.Findings[0].Message, "were not searched"); says != skipped {
			t.Errorf("skipped %v: %s", skipped, cat.Findings[0].Message)
		}
	}
}
