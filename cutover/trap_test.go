package cutover_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// oneApp is a fleet of one cluster with one application.
func oneApp(t *testing.T, a cutovertest.App) (*cutovertest.Fleet, *cutovertest.Cluster) {
	t.Helper()
	f := cutovertest.New(nil)
	c := f.AddCluster("aks-eastus-01", "eastus", 4)
	a.Namespace, a.Name = "shop", "web"
	c.Deploy(a)
	settle(t)
	f.ResetTally()
	return f, c
}

func mustRun(t *testing.T, r *cutover.Runner, p *cutover.Plan) *cutover.Report {
	t.Helper()
	rep, err := r.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func wantHold(t *testing.T, rep *cutover.Report, hold cutover.Hold, reason string) {
	t.Helper()
	for _, u := range rep.Units {
		if u.State != cutover.Held || u.Hold != hold || !strings.Contains(u.Reason, reason) {
			t.Errorf("%s is %s (%s: %s), want Held (%s: …%s…)", u.ID, u.State, u.Hold, u.Reason, hold, reason)
		}
	}
}

func wantFrozen(t *testing.T, rep *cutover.Report, reason string) {
	t.Helper()
	for _, u := range rep.Units {
		if u.State != cutover.Frozen || !strings.Contains(u.Reason, reason) {
			t.Errorf("%s is %s (%s), want Frozen (…%s…)", u.ID, u.State, u.Reason, reason)
		}
	}
}

func wantNoHarm(t *testing.T, f *cutovertest.Fleet) {
	t.Helper()
	if tally := f.Tally(); tally.Failed+tally.Wrong != 0 || tally.Taken == 0 {
		t.Errorf("tokens: %+v", tally)
	}
}

func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

func TestWhatAUnitIsHeldForAndHowItGoesOn(t *testing.T) {
	bubble(t, "a paused Deployment waits for whoever paused it", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Paused: true})
		c.Edit("Deployment", "shop", "web", "kubectl", func(o map[string]any) { delete(o["spec"].(map[string]any), "paused") })
		settle(t)
		c.Edit("Deployment", "shop", "web", "kubectl", func(o map[string]any) { o["spec"].(map[string]any)["paused"] = true })
		p, j := planFor(t, f, nil), cutovertest.NewJournal()
		r := runnerFor(t, f, j, cutovertest.PassGates(), nil)
		wantHold(t, mustRun(t, r, p), cutover.HoldPaused, "whoever paused it must resume it")
		c.Edit("Deployment", "shop", "web", "kubectl", func(o map[string]any) { delete(o["spec"].(map[string]any), "paused") })
		wantStates(t, mustRun(t, r, p), cutover.Done)
	})
	bubble(t, "update strategy OnDelete waits for permission to evict", func(t *testing.T) {
		for _, kind := range []string{"StatefulSet", "DaemonSet"} {
			f, _ := oneApp(t, cutovertest.App{Kind: kind, OnDelete: true})
			p, j := planFor(t, f, nil), cutovertest.NewJournal()
			rep := mustRun(t, runnerFor(t, f, j, cutovertest.PassGates(), nil), p)
			wantHold(t, rep, cutover.HoldEviction, "allow evictions")
			rep = mustRun(t, runnerFor(t, f, j, cutovertest.PassGates(), &cutover.Options{Evict: true}), p)
			wantStates(t, rep, cutover.Done)
			wantNoHarm(t, f)
		}
	})
	bubble(t, "a CronJob waits for its next run", func(t *testing.T) {
		f, _ := oneApp(t, cutovertest.App{Kind: "CronJob"})
		p, j := planFor(t, f, nil), cutovertest.NewJournal()
		r := runnerFor(t, f, j, cutovertest.PassGates(), nil)
		wantHold(t, mustRun(t, r, p), cutover.HoldJob, "no Job was made from the new template yet")
		time.Sleep(11 * time.Minute)
		wantHold(t, mustRun(t, r, p), cutover.HoldJob, "no Job was made from the new template yet") // the second template
		time.Sleep(11 * time.Minute)
		wantStates(t, mustRun(t, r, p), cutover.Done)
	})
	bubble(t, "a Job that runs on the old path keeps its binding until it ends", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Kind: "Job", Runs: 30 * time.Hour})
		p, j := planFor(t, f, nil), cutovertest.NewJournal()
		r := runnerFor(t, f, j, cutovertest.PassGates(), nil)
		wantHold(t, mustRun(t, r, p), cutover.HoldJob, "Job/web")
		if _, there := c.Dump()["AzureIdentityBinding/shop/shop-web-binding"]; !there {
			t.Error("the binding is gone while the Job needs it")
		}
		time.Sleep(30 * time.Hour)
		wantStates(t, mustRun(t, r, p), cutover.Done)
		wantNoHarm(t, f)
	})
	bubble(t, "no load, no pass", func(t *testing.T) {
		f, _ := oneApp(t, cutovertest.App{})
		g := cutovertest.PassGates()
		g.Load = cutovertest.ScriptedGate(
			cutover.Verdict{Result: cutover.Inconclusive, Hold: cutover.HoldLoad, Reason: "nothing scaled"}, cutover.Verdict{Result: cutover.Pass})
		p := planFor(t, f, nil)
		r := runnerFor(t, f, cutovertest.NewJournal(), g, nil)
		wantHold(t, mustRun(t, r, p), cutover.HoldLoad, "nothing scaled")
		wantStates(t, mustRun(t, r, p), cutover.Done)
	})
	bubble(t, "a gate that says nothing does not pass", func(t *testing.T) {
		f, _ := oneApp(t, cutovertest.App{})
		g := cutovertest.PassGates()
		g.DualPath = func(context.Context, cutover.Target) cutover.Verdict { return cutover.Verdict{} }
		rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), planFor(t, f, nil))
		wantHold(t, rep, cutover.HoldEvidence, "no verdict")
	})
}

func TestGitOps(t *testing.T) {
	flux := map[string]string{"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
	bubble(t, "the removal of the label is published and awaited", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Labels: flux})
		p, j := planFor(t, f, nil), cutovertest.NewJournal()
		if p.Units[0].Mode != cutover.GitOps {
			t.Fatalf("mode %s", p.Units[0].Mode)
		}
		var published []cutover.Publication
		r := runnerFor(t, f, j, cutovertest.PassGates(), &cutover.Options{Publish: func(_ context.Context, p cutover.Publication) error {
			published = append(published, p)
			return nil
		}})
		wantHold(t, mustRun(t, r, p), cutover.HoldGit, "aadpodidbinding: null")
		wantHold(t, mustRun(t, r, p), cutover.HoldGit, "aadpodidbinding: null") // nothing is published twice
		var paths []string
		for _, x := range published {
			paths = append(paths, x.Path)
		}
		want := []string{"aks-eastus-01/shop/serviceaccount-web.yaml", "aks-eastus-01/shop/deployment-web.yaml", "aks-eastus-01/shop/deployment-web.yaml"}
		if diff := cmp.Diff(want, paths); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
		c.Edit("Deployment", "shop", "web", "kustomize-controller", func(o map[string]any) {
			labels := o["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any)
			delete(labels, "aadpodidbinding")
		})
		wantStates(t, mustRun(t, r, p), cutover.Done)
		published = nil
		rep, err := r.Rollback(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		wantStates(t, rep, cutover.RolledBack)
		if len(published) != 3 || !strings.Contains(published[0].StrategicMerge, "aadpodidbinding: shop-web") || len(rep.Units[0].Left) != 3 {
			t.Errorf("the rollback published %+v and left %v", published, rep.Units[0].Left)
		}
		wantNoHarm(t, f)
	})
	bubble(t, "a tool that puts the label back twice freezes the unit", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		c.Revert("Deployment", "shop", "web", 30*time.Second)
		rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), nil), planFor(t, f, nil))
		wantFrozen(t, rep, "put back twice by argocd-controller")
		wantNoHarm(t, f)
	})
	bubble(t, "a suspended tool is always resumed", func(t *testing.T) {
		for _, result := range []cutover.Result{cutover.Pass, cutover.Fail} {
			f, c := oneApp(t, cutovertest.App{Labels: flux})
			c.Create(map[string]any{
				"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
				"metadata": map[string]any{"name": "shop", "namespace": "flux-system"}, "spec": map[string]any{"interval": "10m"},
			})
			origin := c.Dump()["Kustomization/flux-system/shop"]
			g := cutovertest.PassGates()
			g.LoadAgain = cutovertest.Verdict(result, "scripted")
			p := planFor(t, f, &cutover.PlanOptions{Mode: func(cutover.Unit) cutover.Mode { return cutover.Suspend }})
			suspended := false
			g.Load = func(ctx context.Context, t cutover.Target) cutover.Verdict {
				o, err := t.Cluster.Get(ctx, cutover.Ref{APIVersion: "kustomize.toolkit.fluxcd.io/v1", Kind: "Kustomization", Namespace: "flux-system", Name: "shop"})
				suspended = err == nil && o.Object["spec"].(map[string]any)["suspend"] == true
				return cutover.Verdict{Result: cutover.Pass}
			}
			mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), p)
			if !suspended {
				t.Error("the tool was not suspended while the unit moved")
			}
			if diff := cmp.Diff(origin, c.Dump()["Kustomization/flux-system/shop"]); diff != "" {
				t.Errorf("with a gate that gives %s, before (-) and after (+):\n%s", result, diff)
			}
		}
	})
}

func TestTheWorldMoves(t *testing.T) {
	bubble(t, "an annotation of somebody else freezes the unit and is left alone", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		p := planFor(t, f, nil)
		c.Edit("ServiceAccount", "shop", "web", "terraform", func(o map[string]any) {
			o["metadata"].(map[string]any)["annotations"] = map[string]any{"azure.workload.identity/client-id": "other"}
		})
		before := c.Dump()
		rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), nil), p)
		wantFrozen(t, rep, "last written by terraform")
		if diff := cmp.Diff(before, c.Dump()); diff != "" {
			t.Errorf("something was written:\n%s", diff)
		}
	})
	bubble(t, "a plan for a workload that was made again is stale", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		p := planFor(t, f, nil)
		c.Remove("Deployment", "shop", "web")
		c.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
		rep, err := runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), nil).Run(t.Context(), p)
		var stale *cutover.StaleError
		if !errors.As(err, &stale) || !errors.Is(err, cutover.ErrPlanChanged) {
			t.Errorf("got %v, want a StaleError", err)
		}
		wantStates(t, rep, cutover.Planned)
	})
	bubble(t, "a workload that is made again during the move freezes it", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		p := planFor(t, f, nil)
		g := cutovertest.PassGates()
		g.Load = func(ctx context.Context, t cutover.Target) cutover.Verdict {
			c.Remove("Deployment", "shop", "web")
			c.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
			return cutover.Verdict{Result: cutover.Pass}
		}
		wantFrozen(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), p), "deleted and created again")
	})
	bubble(t, "a plan that was edited is refused, and can still be shown", func(t *testing.T) {
		f, _ := oneApp(t, cutovertest.App{})
		p := planFor(t, f, nil)
		p.Units[0].Soak = time.Second
		if _, err := runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), nil).Run(t.Context(), p); !errors.Is(err, cutover.ErrPlanChanged) {
			t.Errorf("got %v, want ErrPlanChanged", err)
		}
		var b strings.Builder
		if err := p.Show(&b); err != nil || !strings.Contains(b.String(), "aks-eastus-01/shop/web") {
			t.Errorf("shown: %v\n%s", err, b.String())
		}
	})
}

func TestAFailedGateRollsBackAndFreezesTheFleet(t *testing.T) {
	failing := func(set func(g *cutover.Gates, gate cutover.Gate)) cutover.Gates {
		g := cutovertest.PassGates()
		set(&g, func(_ context.Context, t cutover.Target) cutover.Verdict {
			if t.Unit.Namespace == "bad" {
				return cutover.Verdict{Gate: "V3", Result: cutover.Fail, Reason: "AADSTS700213"}
			}
			return cutover.Verdict{Gate: "V3", Result: cutover.Pass}
		})
		return g
	}
	for name, set := range map[string]func(g *cutover.Gates, gate cutover.Gate){
		"dual path": func(g *cutover.Gates, gate cutover.Gate) { g.DualPath = gate }, "load": func(g *cutover.Gates, gate cutover.Gate) { g.Load = gate },
		"canary": func(g *cutover.Gates, gate cutover.Gate) { g.Canary = gate }, "unbound": func(g *cutover.Gates, gate cutover.Gate) { g.Unbound = gate },
		"load again": func(g *cutover.Gates, gate cutover.Gate) { g.LoadAgain = gate }, "soak": func(g *cutover.Gates, gate cutover.Gate) { g.Soak = gate },
	} {
		bubble(t, name, func(t *testing.T) {
			f := cutovertest.New(nil)
			c := f.AddCluster("aks-eastus-01", "eastus", 4)
			c.Deploy(cutovertest.App{Namespace: "bad", Name: "web"})
			c.Deploy(cutovertest.App{Namespace: "good", Name: "web"})
			settle(t)
			f.ResetTally()
			before := c.Dump()
			p := planFor(t, f, &cutover.PlanOptions{Soak: 10 * time.Minute})
			j := cutovertest.NewJournal()
			r := runnerFor(t, f, j, failing(set), nil)
			rep := mustRun(t, r, p)
			if got := [2]cutover.State{rep.Units[0].State, rep.Units[1].State}; got != [2]cutover.State{cutover.RolledBack, cutover.Planned} {
				t.Errorf("states %v", got)
			}
			if diff := cmp.Diff(before, c.Dump()); diff != "" {
				t.Errorf("before (-) and after the rollback (+):\n%s", diff)
			}
			if n := f.Tally().ReplicaSets; n > 2 {
				t.Errorf("%d new templates: the old ones were not used again", n)
			}
			wantNoHarm(t, f)
			rep = mustRun(t, r, p)
			if rep.Units[1].State != cutover.Planned {
				t.Errorf("a frozen fleet went on: %+v", rep.Units[1])
			}
			if _, err := r.Thaw(t.Context(), p, rep.Units[0].ID); err != nil {
				t.Fatal(err)
			}
			wantStates(t, mustRun(t, runnerFor(t, f, j, cutovertest.PassGates(), nil), p), cutover.Done)
			wantNoHarm(t, f)
		})
	}
}

func TestTwoRunnersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := oneApp(t, cutovertest.App{})
		p, j := planFor(t, f, nil), cutovertest.NewJournal()
		var wg sync.WaitGroup
		reps := make([]*cutover.Report, 2)
		errs := make([]error, 2)
		for i := range reps {
			r := runnerFor(t, f, j, cutovertest.PassGates(), &cutover.Options{Actor: string(rune('a' + i))})
			wg.Go(func() { reps[i], errs[i] = r.Run(t.Context(), p) })
		}
		wg.Wait()
		fenced := 0
		for _, err := range errs {
			if errors.Is(err, cutover.ErrFenced) {
				fenced++
			} else if err != nil {
				t.Error(err)
			}
		}
		if fenced != 1 {
			t.Errorf("%d runners were fenced off, want 1: %v", fenced, errs)
		}
		rep, err := runnerFor(t, f, j, cutovertest.PassGates(), nil).Status(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		wantStates(t, rep, cutover.Done)
		wantNoHarm(t, f)
		if n := f.Tally().ReplicaSets; n != 2 {
			t.Errorf("%d new templates, want 2", n)
		}
	})
}

func TestALostJournalIsRebuiltFromBreadcrumbs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, p := oneUnit(t)
		origin := c.Dump()
		j := cutovertest.NewJournal()
		g := inducingGates()
		g.LoadAgain = cutovertest.Verdict(cutover.Inconclusive, "later")
		r := runnerFor(t, f, j, g, nil)
		mustRun(t, r, p)
		j.Lose()
		mustRun(t, r, p)
		rep, err := r.Rollback(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		wantStates(t, rep, cutover.RolledBack)
		time.Sleep(10 * time.Minute)
		if diff := cmp.Diff(origin, c.Dump()); diff != "" {
			t.Errorf("before (-) and after the rollback by a rebuilt journal (+):\n%s", diff)
		}
		if n := f.Tally().ReplicaSets; n != 2 {
			t.Errorf("%d new templates, want 2", n)
		}
		wantNoHarm(t, f)
	})
}

func TestAnEndedContextRestoresInducedLoadAndLeavesTheUnitHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, p := oneUnit(t)
		hpa := c.Dump()["HorizontalPodAutoscaler/shop/web"]
		ctx, cancel := context.WithCancel(t.Context())
		g := inducingGates()
		inner := g.Load
		g.Load = func(ctx context.Context, t cutover.Target) cutover.Verdict {
			time.AfterFunc(time.Minute, cancel)
			return inner(ctx, t)
		}
		j := cutovertest.NewJournal()
		rep, err := runnerFor(t, f, j, g, nil).Run(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		wantHold(t, rep, cutover.HoldAbort, "run again to go on")
		if diff := cmp.Diff(hpa, c.Dump()["HorizontalPodAutoscaler/shop/web"]); diff != "" {
			t.Errorf("the autoscaler before (-) and after (+):\n%s", diff)
		}
		wantStates(t, mustRun(t, runnerFor(t, f, j, inducingGates(), nil), p), cutover.Done)
		if text := j.Text(); strings.Contains(text, "eyJ") || strings.Contains(text, ".ey") {
			t.Error("the journal holds what looks like a token")
		}
	})
}
