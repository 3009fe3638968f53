package cutover_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

var byFlux = map[string]string{"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}

// tool is what a Kustomization says of its suspension.
func tool(t *testing.T, c cutover.Reader) (suspended any, by cutover.Suspension) {
	t.Helper()
	o, err := c.Get(t.Context(), cutover.Ref{APIVersion: "kustomize.toolkit.fluxcd.io/v1", Kind: "Kustomization", Namespace: "flux-system", Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	if text := o.GetAnnotations()[cutover.SuspendAnnotation]; text != "" {
		if err := json.Unmarshal([]byte(text), &by); err != nil {
			t.Error(err)
		}
	}
	return o.Object["spec"].(map[string]any)["suspend"], by
}

// suspendedUnit is an application from Git, and the plan that moves it with the tool suspended.
func suspendedUnit(t *testing.T, mergeAfter time.Duration) (*cutovertest.Fleet, *cutovertest.Cluster, *cutovertest.Repository, *cutover.Plan) {
	t.Helper()
	f, c := oneApp(t, cutovertest.App{Labels: byFlux})
	git := c.Repository("flux-system", "shop", mergeAfter, cutover.Ref{Kind: "Deployment", Namespace: "shop", Name: "web"})
	return f, c, git, planFor(t, f, &cutover.PlanOptions{Soak: 20 * time.Minute, Mode: byMode(cutover.Suspend)})
}

func TestUnitsThatShareAToolKeepItSuspendedUntilTheLastOneLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := cutovertest.New(nil)
		c := f.AddCluster("aks-eastus-01", "eastus", 4)
		var from []cutover.Ref
		for i := range 6 { // the third wave has two, and so has the last
			ns := fmt.Sprintf("team-%d", i)
			c.Deploy(cutovertest.App{Namespace: ns, Name: "web", Labels: byFlux})
			from = append(from, cutover.Ref{Kind: "Deployment", Namespace: ns, Name: "web"})
		}
		settle(t)
		f.ResetTally()
		git := c.Repository("flux-system", "shop", time.Minute, from...)
		p := planFor(t, f, &cutover.PlanOptions{Soak: time.Hour, Mode: byMode(cutover.Suspend), Limits: cutover.Limits{PerCluster: -1, PerRegion: -1}})
		var looking sync.Mutex // two units are judged at the same time
		shared := 0
		watched := func(g cutover.Gate) cutover.Gate {
			return func(ctx context.Context, target cutover.Target) cutover.Verdict {
				suspended, by := tool(t, target.Cluster) //nolint:contextcheck // a test reads under its own context
				if suspended != true {
					t.Errorf("the tool is not suspended while %s stands before %s", target.Unit.ID, target.Step.ID)
				}
				looking.Lock()
				shared = max(shared, len(by.By))
				looking.Unlock()
				if target.Unit.Namespace > "team-2" && target.Step.Kind == cutover.StepLoadAgain {
					time.Sleep(time.Duration(target.Unit.Namespace[5]-'0') * time.Hour) // they do not end together
				}
				return g(ctx, target)
			}
		}
		g := cutovertest.PassGates()
		g.Load, g.LoadAgain, g.Soak = watched(g.Load), watched(g.LoadAgain), watched(g.Soak)
		r := runnerFor(t, f, cutovertest.NewJournal(), g, &cutover.Options{Publish: git.Publish, Patience: 24 * time.Hour})
		wantStates(t, mustRun(t, r, p), cutover.Done)
		if shared < 2 {
			t.Error("no two units shared the tool: the test shows nothing")
		}
		if suspended, by := tool(t, c); suspended != nil || len(by.By) > 0 {
			t.Errorf("the tool is left suspended: %v by %+v", suspended, by)
		}
		wantNoHarm(t, f)
	})
}

// TestALostJournalLeavesNoToolSuspended kills a process after each of its writes and throws its journal away; another one, without a memory,
// brings the unit to its end or back, and the tool goes on.
func TestALostJournalLeavesNoToolSuspended(t *testing.T) {
	t.Parallel()
	for _, back := range []bool{false, true} {
		for n, more := 1, true; more; n += stride {
			bubble(t, fmt.Sprintf("write %d back=%v", n, back), func(t *testing.T) { more = loseSuspended(t, n, back) })
		}
	}
}

// loseSuspended reports whether there was an n-th write.
func loseSuspended(t *testing.T, n int, back bool) bool {
	t.Helper()
	f, c, git, p := suspendedUnit(t, time.Minute)
	j := cutovertest.NewJournal()
	crash := cutovertest.NewCrash(n, false)
	o := &cutover.Options{Patience: time.Hour, Publish: git.Publish}
	r, err := cutover.NewRunner(crash.Clusters(f.Clusters()), crash.Journal(j), cutovertest.PassGates(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Run(crash.Context(t.Context()), p); err != nil && !errors.Is(err, cutovertest.ErrCrashed) && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	_, crashed := crash.Writes()
	if !crashed {
		return false
	}
	j.Lose()
	want, g := cutover.Done, cutovertest.PassGates()
	if back {
		want = cutover.RolledBack
		g.Soak = cutovertest.Verdict(cutover.Inconclusive, "later")
	}
	rep := mustRun(t, runnerFor(t, f, j, g, o), p)
	if back {
		rep = mustRollback(t, runnerFor(t, f, j, g, o), p)
	}
	// The before-image of a deletion is in the journal alone.
	if u := rep.Units[0]; u.State != want && !(back && u.State == cutover.Frozen && strings.Contains(u.Reason, "AzureIdentityBinding/shop-web-binding is gone")) {
		t.Errorf("%s (%s: %s)", u.State, u.Hold, u.Reason)
	}
	if suspended, by := tool(t, c); suspended != nil || len(by.By) > 0 {
		t.Errorf("the tool is left suspended: %v by %+v", suspended, by)
	}
	wantNoHarm(t, f)
	return true
}

func TestASuspendedToolSaysWhoAndWhy(t *testing.T) {
	bubble(t, "and what it was before", func(t *testing.T) {
		f, c, git, p := suspendedUnit(t, time.Minute)
		g := cutovertest.PassGates()
		g.Load = cutovertest.Verdict(cutover.Inconclusive, "later")
		r := runnerFor(t, f, cutovertest.NewJournal(), g, &cutover.Options{Actor: "wimigrate@desk:1", Publish: git.Publish})
		wantHold(t, mustRun(t, r, p), cutover.HoldEvidence, "later")
		_, by := tool(t, c)
		want := cutover.Suspension{By: []cutover.Suspender{{Lineage: p.Lineage, Unit: "aks-eastus-01/shop/web", Actor: "wimigrate@desk:1",
			Why: "the unit moves off Pod Identity by plan " + p.Digest[:12] + ", and resumes the tool once it has soaked or is rolled back"}}}
		if diff := cmp.Diff(want, by); diff != "" {
			t.Errorf("the annotation (-want +got):\n%s", diff)
		}
	})
}

func TestAfterTheResumeNothingIsDeletedUntilGitIsSeenToAgree(t *testing.T) {
	bindings := func(t *testing.T, c *cutovertest.Cluster) int {
		t.Helper()
		left, err := c.List(t.Context(), cutover.Selection{APIVersion: "aadpodidentity.k8s.io/v1", Kind: "AzureIdentityBinding"})
		if err != nil {
			t.Fatal(err)
		}
		return len(left)
	}
	bubble(t, "a commit that is not merged is put back by the tool, which is suspended again until it is", func(t *testing.T) {
		f, c, git, p := suspendedUnit(t, -1)
		r := runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), &cutover.Options{Publish: git.Publish})
		wantHold(t, mustRun(t, r, p), cutover.HoldGit, "its commit is not merged. The tool is suspended again")
		if suspended, by := tool(t, c); suspended != true || len(by.By) != 1 || bindings(t, c) != 1 {
			t.Errorf("suspended %v by %+v, %d bindings", suspended, by, bindings(t, c))
		}
		time.Sleep(time.Hour)
		git.Merge()
		wantStates(t, mustRun(t, r, p), cutover.Done)
		time.Sleep(time.Hour)
		if suspended, by := tool(t, c); suspended != nil || len(by.By) > 0 || bindings(t, c) != 0 {
			t.Errorf("suspended %v by %+v, %d bindings", suspended, by, bindings(t, c))
		}
		if moved, old := podsByLabel(t, c); moved != 3 || old != 0 {
			t.Errorf("%d pods without the old label and %d with it", moved, old)
		}
		if wait := c.Dump()["Deployment/shop/web"]["spec"].(map[string]any)["minReadySeconds"]; wait != nil {
			t.Errorf("minReadySeconds %v: what held the rollout is left behind", wait)
		}
		wantNoHarm(t, f)
	})
	bubble(t, "one who suspended it before is to resume it", func(t *testing.T) {
		f, c, git, p := suspendedUnit(t, time.Minute)
		suspend := func(v any) {
			c.Edit("Kustomization", "flux-system", "shop", "kubectl", func(o map[string]any) {
				if spec := o["spec"].(map[string]any); v == nil {
					delete(spec, "suspend")
				} else {
					spec["suspend"] = v
				}
			})
		}
		suspend(true)
		r := runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), &cutover.Options{Publish: git.Publish})
		wantHold(t, mustRun(t, r, p), cutover.HoldGit, "still suspended by somebody else")
		if suspended, by := tool(t, c); suspended != true || len(by.By) > 0 || bindings(t, c) != 1 {
			t.Errorf("suspended %v by %+v, %d bindings", suspended, by, bindings(t, c))
		}
		suspend(nil)
		wantStates(t, mustRun(t, r, p), cutover.Done)
		wantNoHarm(t, f)
	})
	bubble(t, "a tool that does not reconcile any more holds the unit", func(t *testing.T) {
		f, c, git, p := suspendedUnit(t, time.Minute)
		g := cutovertest.PassGates()
		g.Soak = func(context.Context, cutover.Target) cutover.Verdict {
			git.Break()
			return cutover.Verdict{Result: cutover.Pass}
		}
		r := runnerFor(t, f, cutovertest.NewJournal(), g, &cutover.Options{Publish: git.Publish})
		wantHold(t, mustRun(t, r, p), cutover.HoldGit, "nothing is deleted before it is")
		if bindings(t, c) != 1 {
			t.Error("the binding is gone")
		}
	})
}

func TestSomebodyWhoResumesAToolMeanwhile(t *testing.T) {
	for times, want := range map[int]string{1: "", 2: "was resumed twice by somebody else"} {
		bubble(t, fmt.Sprintf("%d times", times), func(t *testing.T) {
			f, c, git, p := suspendedUnit(t, time.Minute)
			g, n := cutovertest.PassGates(), 0
			resume := func(context.Context, cutover.Target) cutover.Verdict {
				if n++; n <= times {
					c.Edit("Kustomization", "flux-system", "shop", "kubectl", func(o map[string]any) { delete(o["spec"].(map[string]any), "suspend") })
				}
				return cutover.Verdict{Result: cutover.Pass}
			}
			g.Load, g.LoadAgain = resume, resume
			rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, &cutover.Options{Publish: git.Publish}), p)
			if want == "" {
				wantStates(t, rep, cutover.Done)
			} else if u := rep.Units[0]; u.State != cutover.Frozen || !strings.Contains(u.Reason, want) {
				t.Errorf("%s: %s", u.State, u.Reason)
			}
			wantNoHarm(t, f)
		})
	}
}
