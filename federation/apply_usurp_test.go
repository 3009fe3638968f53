package federation_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

// Writes to one identity lie 4 s apart. Whoever takes the name of the last one in between keeps it.
func TestApplyDoesNotOverwriteWhatSomebodyWritesMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := catalog.Identity{Kind: catalog.UserAssigned, ClientID: "c", ResourceID: "/subscriptions/a/resourceGroups/b/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"}
		cat := &catalog.Catalog{}
		for _, c := range []string{"a", "b", "c", "d"} {
			cat.Clusters = append(cat.Clusters, catalog.Cluster{Name: c, Issuer: "https://" + c + ".oic.prod-aks.azure.com/t/" + c + "/"})
			cat.Needs = append(cat.Needs, catalog.Need{Cluster: c, Namespace: "n", ServiceAccount: "s", Identity: id})
		}
		cloud := federationtest.NewCloud(&federationtest.CloudOptions{Latency: 50 * time.Millisecond})
		cloud.Add(id, "westeurope")
		plan, err := federation.NewPlan(cat, federation.State{id.Key(): {}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		theirs := federation.Credential{Name: federation.CredentialName("", "d", "n", "s"), Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:a/b", Audience: federation.DefaultAudience}
		go func() {
			time.Sleep(6 * time.Second)
			if err := cloud.Store().Put(t.Context(), id, theirs); err != nil {
				t.Error(err)
			}
		}()
		report, err := federation.Apply(t.Context(), cloud.Store(), plan, nil)
		if !errors.Is(err, federation.ErrStale) || report.Count(federation.Applied) != 3 || report.Count(federation.Refused) != 1 {
			t.Errorf("error %v, %d applied, %d refused", err, report.Count(federation.Applied), report.Count(federation.Refused))
		}
		for _, c := range cloud.State()[id.Key()] {
			if c.Name == theirs.Name && c != theirs {
				t.Errorf("overwrote it with %+v", c)
			}
		}
	})
}
