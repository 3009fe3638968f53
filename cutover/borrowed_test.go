package cutover_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// borrowing is a Deployment at zero whose template an Argo Rollout runs, as the migration to Rollouts leaves it.
func borrowing(t *testing.T) (*cutovertest.Fleet, *cutovertest.Cluster) {
	t.Helper()
	f := cutovertest.New(nil)
	c := f.AddCluster("aks-eastus-01", "eastus", 4)
	c.Deploy(cutovertest.App{Namespace: "shop", Name: "template", Replicas: -1})
	c.Deploy(cutovertest.App{Namespace: "shop", Name: "web", Kind: "Rollout", Borrows: "template", ServiceAccount: "template", Identity: "shop-template", Untrusted: true})
	settle(t)
	f.ResetTally()
	return f, c
}

func TestARolloutThatBorrowsItsTemplateMovesByTheObjectThatHasIt(t *testing.T) {
	t.Parallel()
	bubble(t, "the Deployment is changed, the Rollout is watched and must come under load", func(t *testing.T) {
		f, c := borrowing(t)
		p := planFor(t, f, &cutover.PlanOptions{Soak: 2 * time.Hour})
		if len(p.Units) != 1 || len(p.Units[0].Workloads) != 1 {
			t.Fatalf("units %+v", p.Units)
		}
		w := p.Units[0].Workloads[0]
		if w.String() != "Deployment/template" || w.Borrower == nil || w.Borrower.String() != "Rollout/web" {
			t.Errorf("workload %s, borrowed by %v", w, w.Borrower)
		}
		if risks := strings.Join(p.Units[0].Risks, "; "); strings.Contains(risks, "runs no pod") {
			t.Errorf("risks: %s", risks)
		}
		breathe(c, "Rollout", "web", 3, 9)
		rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), realGates(nil), &cutover.Options{Patience: 6 * time.Hour}), p)
		wantStates(t, rep, cutover.Done)
		wantNoHarm(t, f)
		if n := c.Dump()["Deployment/shop/template"]["spec"].(map[string]any)["replicas"]; n != int64(0) {
			t.Errorf("the Deployment has %v replicas", n)
		}
		for _, pod := range oldOrdinals(t.Context(), c) {
			t.Errorf("%s carries the old label", pod)
		}
	})
	bubble(t, "without load it is held, and rolled back both objects are as they were", func(t *testing.T) {
		f, c := borrowing(t)
		before := c.Dump()
		p, j := planFor(t, f, nil), cutovertest.NewJournal()
		gates := realGates(nil)
		r := runnerFor(t, f, j, gates, nil)
		wantHold(t, mustRun(t, r, p), cutover.HoldLoad, "at idle nothing is proven")
		wantStates(t, mustRollback(t, r, p), cutover.RolledBack)
		wantLeftAlone(t, before, c.Dump())
		wantNoHarm(t, f)
	})
}

func TestAPausedDeploymentIsNeverUnpaused(t *testing.T) {
	paused := func(c *cutovertest.Cluster) any {
		return c.Dump()["Deployment/shop/web"]["spec"].(map[string]any)["paused"]
	}
	bubble(t, "not while its unit is held for it, and not by the rollback", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		p, j := planFor(t, f, nil), cutovertest.NewJournal()
		c.Edit("Deployment", "shop", "web", "kubectl", func(o map[string]any) { o["spec"].(map[string]any)["paused"] = true })
		settle(t)
		r := runnerFor(t, f, j, cutovertest.PassGates(), nil)
		wantHold(t, mustRun(t, r, p), cutover.HoldPaused, "whoever paused it must resume it")
		wantHold(t, mustRun(t, r, p), cutover.HoldPaused, "whoever paused it must resume it")
		if paused(c) != true {
			t.Error("it is not paused any more")
		}
		wantStates(t, mustRollback(t, r, p), cutover.RolledBack)
		if paused(c) != true || f.Tally().ReplicaSets > 1 {
			t.Errorf("paused %v, %d new templates", paused(c), f.Tally().ReplicaSets)
		}
		wantNoHarm(t, f)
	})
}
