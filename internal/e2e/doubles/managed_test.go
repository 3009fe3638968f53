package doubles_test

import (
	"context"
	"errors"
	"testing"

	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
)

func TestManagedModeServesPodsByTheirBindingWithoutMIC(t *testing.T) {
	t.Parallel()
	spec := fleet.Spec{NoWebhook: true}
	spec.NMI.NMI.Managed = true
	spec.NMI.ScaleSet = true
	f := fleet.StartFleet(t, spec)
	c := f.Clusters[0]
	if err := c.AwaitNMI(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := f.Identity("rg", "id-managed")
	attached, err := f.Azure.Identity(t.Context(), id.ClientID)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.NMI.Attach(c.Nodes.Names()[0], attached); err != nil {
		t.Fatal(err)
	}
	deploy(t, f, app.App{Namespace: "managed", Name: "managed", Identity: id, Replicas: 2, OnPodIdentity: true, Period: period})
	fleet.Await(t, "two pods to take tokens", func() (bool, error) {
		return count(c.Reports(), func(r kubelet.PodReport) bool {
			return r.Taken >= 3 && r.Failed == 0 && r.Identities[id.ClientID] == r.Taken
		}) == 2, nil
	})
	t.Run("a cluster that was not rebuilt is stopped once", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := f.Rebuild(ctx, c.Name); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		if err := errors.Join(f.Err(), f.Stop()); err != nil {
			t.Error(err)
		}
	})
}
