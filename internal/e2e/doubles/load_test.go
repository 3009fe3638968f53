package doubles_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/fault"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/load"
)

// fleetLives has applications, on both paths, live through all that happens to a fleet. Those that use this project's credential lose no
// token.
func fleetLives(t *testing.T, f *fleet.Fleet) {
	c := f.Clusters[0]
	if err := c.AwaitNMI(t.Context()); err != nil {
		t.Fatal(err)
	}
	old, fresh := settle(t, f, "old", 3, false), settle(t, f, "new", 3, true)
	settle(t, f, "lone", 1, true)
	awaitTokens(t, c, "old", 3, 2)
	awaitTokens(t, c, "new", 3, 2)

	t.Run("scale-outs, rolls, new nodes with a late NMI and nodes that go", func(t *testing.T) {
		late, at := 2*time.Second, c.Nodes.Names()
		play(t, c, load.Script{Pause: time.Second, Seed: 1, Actions: []load.Action{
			load.ScaleOut(old, 6), load.ScaleOut(fresh, 6), load.AddNodes(2, late), load.Roll(old), load.Roll(fresh),
			load.ReplaceNode(late, true), load.ScaleOut(old, 10), load.ReplaceNode(late, true), load.ScaleOut(fresh, 10),
		}})
		if left := c.Nodes.Names(); len(left) != 5 || slices.Contains(left, at[0]) || slices.Contains(left, at[1]) {
			t.Errorf("of %v, two of which were replaced and two added, %v are left", at, left)
		}
		awaitTokens(t, c, "old", 10, 2)
		awaitTokens(t, c, "new", 10, 2)
		if stale(t, c) == 0 {
			t.Error("no stale AzureAssignedIdentity is left of the nodes that went")
		}
		play(t, c, load.Script{Actions: []load.Action{load.Tidy()}})
		fleet.Await(t, "MIC to tidy up", func() (bool, error) { return stale(t, c) == 0, nil })
	})
	t.Run("NMI dies on every node, is missed, and comes back with its counters at zero", func(t *testing.T) { restartNMI(t, c) })
	t.Run("to zero and back, on both paths", func(t *testing.T) {
		play(t, c, load.Script{Actions: []load.Action{load.ScaleToZero(old), load.ScaleToZero(fresh)}})
		fleet.Await(t, "no process and no assignment to be left", func() (bool, error) {
			return len(living(c, "old")) == 0 && len(living(c, "new")) == 0 && len(assignments(t, c)) == 0, nil
		})
		for _, to := range []load.Target{old, fresh} { // as KEDA does, which leaves the rest to the autoscaler
			if err := c.Scale(t.Context(), to.Namespace, "Deployment", to.Deployment, 4); err != nil {
				t.Fatal(err)
			}
		}
		awaitTokens(t, c, "old", 10, 2) // the autoscaler's lower bound
		awaitTokens(t, c, "new", 4, 2)
	})
	t.Run("Entra throttles, fails and hangs up", func(t *testing.T) {
		f.Azure.EntraFaults.Script(
			fault.Rule{Path: "/token", Share: 0.2, Fault: fault.Fault{Status: http.StatusTooManyRequests, RetryAfter: "1"}},
			fault.Rule{Path: "/token", Share: 0.2, Fault: fault.Fault{Status: http.StatusServiceUnavailable}},
			fault.Rule{Path: "/token", Share: 0.2, Fault: fault.Fault{ResetBefore: true}},
			fault.Rule{Path: "/token", Share: 0.2, Fault: fault.Fault{ResetAfter: true}})
		if err := c.Scale(t.Context(), fresh.Namespace, "Deployment", fresh.Deployment, 8); err != nil {
			t.Fatal(err)
		}
		awaitTokens(t, c, "new", 8, 2)
		if len(f.Azure.EntraFaults.Events()) == 0 {
			t.Error("no fault happened")
		}
		f.Azure.EntraFaults.Script()
	})
	t.Run("the API server's proxy misbehaves for one client alone", func(t *testing.T) { faultyAPI(t, c) })
	t.Run("a pod that lived through it has exchanged more than one projected token", func(t *testing.T) { rotated(t, f, "lone") })

	taken, all := 0, slices.Concat(reports(c, "old"), reports(c, "new"), reports(c, "lone"))
	for _, r := range all {
		taken += r.Taken
		if r.Failed > 0 || r.Wrong > 0 || r.Broken != "" {
			t.Errorf("%s/%s lost %d tokens, got %d of another identity: %s %s", r.Namespace, r.Pod, r.Failed, r.Wrong, r.LastError, r.Broken)
		}
	}
	t.Logf("%d tokens taken by %d processes", taken, len(all))
}

func play(t *testing.T, c *fleet.Cluster, s load.Script) {
	t.Helper()
	if n, err := s.Run(t.Context(), c); err != nil || n != len(s.Actions) {
		t.Fatalf("%d of %d actions: %v", n, len(s.Actions), err)
	}
}

// settle deploys an application on one of the two paths; on the old one it has an autoscaler.
func settle(t *testing.T, f *fleet.Fleet, name string, replicas int, federated bool) load.Target {
	t.Helper()
	a := app.App{Namespace: name, Name: name, Identity: f.Identity("rg", "id-"+name), Replicas: replicas, OnPodIdentity: !federated,
		OnWorkloadIdentity: federated, Period: period, Scopes: []string{"https://vault.azure.net/.default", "https://storage.azure.com/.default"}}
	to := load.Target{Namespace: name, Deployment: name}
	if !federated {
		a.MaxReplicas, to.Autoscaler = 20, name
	}
	deploy(t, f, a)
	return to
}
