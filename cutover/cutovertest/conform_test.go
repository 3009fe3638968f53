package cutovertest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestTheSimulationIsACluster(t *testing.T) {
	f := cutovertest.New(&cutovertest.Options{Pace: 0.001})
	c := f.AddCluster("aks-eastus-01", "eastus", 3)
	c.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
	cutovertest.TestCluster(t, c)
}

func TestPercentagesOfABudgetRoundUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cutovertest.New(nil).AddCluster("aks-eastus-01", "eastus", 3)
		c.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
		for name, spec := range map[string]map[string]any{"least": {"minAvailable": "50%"}, "most": {"maxUnavailable": "10%"}} {
			spec["selector"] = map[string]any{"matchLabels": map[string]any{"app": "web"}}
			c.Create(map[string]any{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": map[string]any{"name": name, "namespace": "shop"}, "spec": spec})
		}
		time.Sleep(time.Minute)
		for _, name := range []string{"least", "most"} {
			b, err := c.Get(t.Context(), cutover.Ref{APIVersion: "policy/v1", Kind: "PodDisruptionBudget", Namespace: "shop", Name: name})
			if err != nil {
				t.Fatal(err)
			}
			if status := b.Object["status"].(map[string]any); status["desiredHealthy"] != int64(2) || status["disruptionsAllowed"] != int64(1) {
				t.Errorf("%s: %v, want 2 healthy and 1 disruption", name, status)
			}
		}
	})
}
