package cutover_test

import (
	"context"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestWhatAUnitIsHeldForAndHowItGoesOn(t *testing.T) {
	t.Parallel()
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
	bubble(t, "a workload that came since the plan was made keeps its binding", func(t *testing.T) {
		for name, late := range map[string]cutovertest.App{
			"a Deployment at zero": {Kind: "Deployment", Replicas: -1}, "a CronJob that is suspended": {Kind: "CronJob"}, "a StatefulSet at zero": {Kind: "StatefulSet", Replicas: -1},
		} {
			f, c := oneApp(t, cutovertest.App{})
			p, j := planFor(t, f, nil), cutovertest.NewJournal()
			late.Namespace, late.Name, late.Identity, late.ServiceAccount = "shop", "late", "shop-web", "late"
			c.Deploy(late)
			if late.Kind == "CronJob" {
				c.Edit("CronJob", "shop", "late", "kubectl", func(o map[string]any) { o["spec"].(map[string]any)["suspend"] = true })
			}
			r := runnerFor(t, f, j, cutovertest.PassGates(), nil)
			rep := mustRun(t, r, p)
			wantHold(t, rep, cutover.HoldManual, "shop "+late.Kind+"/late; the plan does not know all of them")
			if _, there := c.Dump()["AzureIdentityBinding/shop/shop-web-binding"]; !there {
				t.Errorf("%s has lost its binding", name)
			}
			c.Remove(late.Kind, "shop", "late")
			wantStates(t, mustRun(t, r, p), cutover.Done)
		}
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
