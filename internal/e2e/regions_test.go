package e2e_test

import (
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

var twoRegions = []fleet.ClusterSpec{
	{Name: "aks-eastus-01", Region: "eastus", Nodes: 3},
	{Name: "aks-westeurope-01", Region: "westeurope", Nodes: 3},
}

// A fleet is trusted, a cluster of it rebuilt, and then all of it read: one after the other, as another two clusters would take more of a
// small machine than these tests do.
func TestAFleetOfTwoRegions(t *testing.T) {
	inTurn(t, long)
	const lifetime = 12 * time.Second // so that pods need new tokens while all this happens
	f := fleet.StartFleet(t, fleet.Spec{Clusters: twoRegions, RotateTokens: 2 * time.Second,
		Azure: azure.Options{Propagation: propagation, KeyCache: -1, TokenLifetime: lifetime}})
	t.Run("federation applied to ARM is what pods can exchange", func(t *testing.T) { federated(t, f) })
	t.Run("the catalog of live clusters is the catalog of their dumps", func(t *testing.T) { catalogued(t, f) })
}
