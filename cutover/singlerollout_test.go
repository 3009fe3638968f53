package cutover_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// once are plan options that move every unit in a single rollout, by its owners' word.
func once(opts cutover.PlanOptions) *cutover.PlanOptions {
	opts.Strategy = func(cutover.Unit) cutover.Strategy { return cutover.Strategy{SingleRollout: true} }
	opts.Attest = func(cutover.Unit, cutover.Workload) cutover.Attestation { return cutover.AttestDeclared }
	return &opts
}

// onceGates pass but for the webhook's: where the first pods by the new path have no old one, its picture of the service account counts.
func onceGates() cutover.Gates {
	g := cutovertest.PassGates()
	g.Annotated = realGates(nil).Annotated
	return g
}

func TestASingleRolloutUnderLoadReplacesEveryPodOnceWithoutOneFailedToken(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"Deployment", "StatefulSet"} {
		for _, tells := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s telemetry=%v", kind, tells), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := cutovertest.New(&cutovertest.Options{TokenEvery: 2 * time.Minute})
					c := f.AddCluster("aks-eastus-01", "eastus", 4)
					c.Deploy(cutovertest.App{Namespace: "shop", Name: "web", Kind: kind, Replicas: 4})
					settle(t)
					f.ResetTally()
					breathe(c, kind, "web", 4, 9)
					p := planFor(t, f, once(cutover.PlanOptions{Soak: 2 * time.Hour}))
					opts := cutover.Options{Trust: f, Exchanger: f, Oracle: f, Patience: 6 * time.Hour}
					if !tells {
						opts.Oracle = silentApps{f} // NMI's counters are then the only witness, and the old pods keep it busy
					}
					r, err := cutover.NewRunner(f.Clusters(), cutovertest.NewJournal(), realGates(nil), &opts)
					if err != nil {
						t.Fatal(err)
					}
					wantStates(t, mustRun(t, r, p), cutover.Done)
					tally := f.Tally()
					if tally.Failed != 0 || tally.Wrong != 0 || tally.NewPath == 0 || tally.OldPath == 0 {
						t.Errorf("tally %+v", tally)
					}
					if tally.ReplicaSets != 1 {
						t.Errorf("%d new templates, want 1", tally.ReplicaSets)
					}
				})
			})
		}
	}
}

// silentApps is an oracle without telemetry.
type silentApps struct{ *cutovertest.Fleet }

func (silentApps) Pods(context.Context, string, string, []string) ([]cutover.PodPath, error) {
	return nil, nil
}

func TestASingleRolloutWaitsAtItsCanaryForAsLongAsNobodyDecides(t *testing.T) {
	for _, kind := range []string{"Deployment", "StatefulSet"} {
		bubble(t, kind, func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{Kind: kind, Replicas: 5})
			p := planFor(t, f, once(cutover.PlanOptions{Soak: 10 * time.Minute}))
			g := onceGates()
			g.Canary = cutovertest.ScriptedGate(
				cutover.Verdict{Gate: "canary", Result: cutover.Inconclusive, Reason: "nobody has looked"}, cutover.Verdict{Gate: "canary", Result: cutover.Pass})
			r := runnerFor(t, f, cutovertest.NewJournal(), g, nil)
			rep := mustRun(t, r, p)
			wantHold(t, rep, cutover.HoldEvidence, "nobody has looked")
			if rep.Units[0].Reached != cutover.Labelled {
				t.Errorf("reached %s: a canary of a single rollout proves nothing under load", rep.Units[0].Reached)
			}
			wantCanaryOfFive(t, f, c, func() *cutover.Report { return mustRun(t, r, p) }, 1)
		})
	}
}

// podsByLabel counts the pods that carry the new label alone, and those that carry the old one.
func podsByLabel(t *testing.T, c *cutovertest.Cluster) (moved, old int) {
	t.Helper()
	pods, err := c.List(t.Context(), cutover.Selection{APIVersion: "v1", Kind: "Pod", Namespace: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pods {
		if _, bound := p.GetLabels()["aadpodidbinding"]; bound {
			old++
		} else if p.GetLabels()["azure.workload.identity/use"] == "true" {
			moved++
		}
	}
	return moved, old
}

func TestASingleRolloutRollsBackAtEachStepByTheReverseOfItsOneWrite(t *testing.T) {
	t.Parallel()
	fail := cutovertest.Verdict(cutover.Fail, "AADSTS700213")
	for _, kind := range []string{"Deployment", "StatefulSet"} {
		for name, set := range map[string]func(g *cutover.Gates){
			"trusted": func(g *cutover.Gates) { g.Trusted = fail }, "annotated": func(g *cutover.Gates) { g.Annotated = fail },
			"canary": func(g *cutover.Gates) { g.Canary = fail }, "unbound": func(g *cutover.Gates) { g.Unbound = fail },
			"load again": func(g *cutover.Gates) { g.LoadAgain = fail }, "soak": func(g *cutover.Gates) { g.Soak = fail },
			"finish": nil,
		} {
			bubble(t, kind+" "+name, func(t *testing.T) {
				f, c := oneApp(t, cutovertest.App{Kind: kind, Replicas: 5})
				before := c.Dump()
				p := planFor(t, f, once(cutover.PlanOptions{Soak: 10 * time.Minute}))
				g := onceGates()
				if set != nil {
					set(&g)
				}
				r := runnerFor(t, f, cutovertest.NewJournal(), g, nil)
				rep := mustRun(t, r, p)
				if set == nil {
					wantStates(t, rep, cutover.Done)
					var err error
					if rep, err = r.Rollback(t.Context(), p); err != nil {
						t.Fatal(err)
					}
				}
				if state := rep.Units[0].State; name == "trusted" && state != cutover.Frozen || name != "trusted" && state != cutover.RolledBack {
					t.Errorf("%s: %s", state, rep.Units[0].Reason)
				}
				wantDump(t, c, before)
				if n := f.Tally().ReplicaSets; n > 1 {
					t.Errorf("%d new templates: the old one was not used again", n)
				}
				wantNoHarm(t, f)
			})
		}
	}
}

func TestASingleRolloutNeverTakesTheNewPathAwayWhereTheOldOneIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		p := planFor(t, f, once(cutover.PlanOptions{Soak: 10 * time.Minute}))
		g := onceGates()
		g.LoadAgain = func(context.Context, cutover.Target) cutover.Verdict {
			c.Remove("AzureIdentityBinding", "shop", "shop-web-binding")
			return cutover.Verdict{Gate: "load", Result: cutover.Fail, Reason: "slow"}
		}
		wantFrozen(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), p), "the old path would not work; the new one is left in place")
		time.Sleep(time.Hour)
		wantNoHarm(t, f)
	})
}

func TestAnOwnersWrongWordIsCaughtAtTheCanary(t *testing.T) {
	for name, oracle := range map[string]func(*cutovertest.Fleet) cutover.PathOracle{
		"by what NMI refuses":       func(f *cutovertest.Fleet) cutover.PathOracle { return f },
		"by the application's word": func(f *cutovertest.Fleet) cutover.PathOracle { return unscraped{telling{f}} },
	} {
		bubble(t, name, func(t *testing.T) {
			f := cutovertest.New(&cutovertest.Options{TokenEvery: 30 * time.Second})
			c := f.AddCluster("aks-eastus-01", "eastus", 4)
			c.Deploy(cutovertest.App{Namespace: "shop", Name: "web", SDK: cutovertest.SDKOld, Replicas: 6})
			settle(t)
			f.ResetTally()
			before := c.Dump()
			p := planFor(t, f, once(cutover.PlanOptions{}))
			r, err := cutover.NewRunner(f.Clusters(), cutovertest.NewJournal(), realGates(nil), &cutover.Options{Trust: f, Exchanger: f, Oracle: oracle(f)})
			if err != nil {
				t.Fatal(err)
			}
			rep := mustRun(t, r, p)
			wantStates(t, rep, cutover.RolledBack)
			last := rep.Units[0].Verdicts[len(rep.Units[0].Verdicts)-1]
			if last.Step != "canary/Deployment/web" || last.Result != cutover.Fail {
				t.Errorf("caught at %s: %s", last.Step, last.Reason)
			}
			if diff := cmp.Diff(before, c.Dump()); diff != "" {
				t.Errorf("before (-) and after the rollback (+):\n%s", diff)
			}
			if n := f.Tally().Failed; n > p.Limits.CanaryPods*2 {
				t.Errorf("%d tokens failed: more than the canary pods can have asked for", n)
			}
		})
	}
}

func TestASingleRolloutIsNotBegunWhereNothingWouldHoldIt(t *testing.T) {
	for _, tc := range []struct {
		name   string
		app    cutovertest.App
		skip   bool // preflight looks first; without it the write itself is refused
		state  cutover.State
		reason string
	}{
		{"update strategy Recreate", cutovertest.App{Recreate: true}, false, cutover.Frozen, "does not let it be held at canary pods"},
		{"update strategy OnDelete", cutovertest.App{Kind: "StatefulSet", OnDelete: true}, false, cutover.Frozen, "does not let it be held at canary pods"},
		{"and without preflight", cutovertest.App{Recreate: true}, true, cutover.Held, "nothing was changed"},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, c := oneApp(t, tc.app)
			p := planFor(t, f, once(cutover.PlanOptions{}))
			g := onceGates()
			if !tc.skip {
				g.Preflight = realGates(nil).Preflight
			}
			rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), p)
			if u := rep.Units[0]; u.State != tc.state || !strings.Contains(u.Reason, tc.reason) {
				t.Errorf("%s: %s", u.State, u.Reason)
			}
			if n := f.Tally().ReplicaSets; n != 0 {
				t.Errorf("%d new templates", n)
			}
			if moved, _ := podsByLabel(t, c); moved != 0 {
				t.Errorf("%d pods moved", moved)
			}
		})
	}
}

// oneUnitOnce is oneUnit in a single rollout.
func oneUnitOnce(t *testing.T) (*cutovertest.Fleet, *cutovertest.Cluster, *cutover.Plan) {
	t.Helper()
	f, c, _ := oneUnit(t)
	return f, c, planFor(t, f, once(cutover.PlanOptions{Limits: cutover.Limits{InducePods: 10}, Soak: 10 * time.Minute}))
}

func TestACrashAtAnyWriteOfASingleRolloutOrItsRollbackChangesNothingInTheEnd(t *testing.T) {
	t.Parallel()
	for _, back := range []bool{false, true} {
		var want outcome
		writes := 0
		synctest.Test(t, func(t *testing.T) {
			f, c, p := oneUnitOnce(t)
			j := cutovertest.NewJournal()
			writes = journey(t, f, p, j, false, 0, false)
			if back {
				writes = journey(t, f, p, j, true, 0, false)
			}
			want = outcomeOf(f, c)
		})
		if want.Templates != 1 || want.Failed != 0 || want.Wrong != 0 {
			t.Fatalf("undisturbed, back=%v: %d new templates, %d failed, %d wrong", back, want.Templates, want.Failed, want.Wrong)
		}
		t.Run(fmt.Sprintf("back=%v", back), func(t *testing.T) {
			crashAtEach(t, writes, want, func(t *testing.T, n int, before bool) outcome {
				f, c, p := oneUnitOnce(t)
				j := cutovertest.NewJournal()
				if back {
					journey(t, f, p, j, false, 0, false)
				}
				journey(t, f, p, j, back, n, before)
				return outcomeOf(f, c)
			})
		})
	}
}

func TestALostJournalOfASingleRolloutIsRebuiltFromBreadcrumbs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, p := oneUnitOnce(t)
		g := onceGates()
		g.Canary = cutovertest.Verdict(cutover.Inconclusive, "later")
		loseAndReturn(t, f, c, p, g)
	})
}

func TestASuspendedUnitMovesInASingleRolloutByOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Labels: map[string]string{"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}})
		c.Create(map[string]any{
			"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
			"metadata": map[string]any{"name": "shop", "namespace": "flux-system"}, "spec": map[string]any{"interval": "10m"},
		})
		opts := once(cutover.PlanOptions{Soak: 10 * time.Minute})
		opts.Mode = func(cutover.Unit) cutover.Mode { return cutover.Suspend }
		p := planFor(t, f, opts)
		var commits []cutover.Publication
		r := runnerFor(t, f, cutovertest.NewJournal(), onceGates(), &cutover.Options{Publish: func(_ context.Context, c cutover.Publication) error {
			if c.Object.Kind == "Deployment" {
				commits = append(commits, c)
			}
			return nil
		}})
		wantStates(t, mustRun(t, r, p), cutover.Done)
		if len(commits) != 1 || !strings.Contains(commits[0].StrategicMerge, "aadpodidbinding: null") ||
			!strings.Contains(commits[0].StrategicMerge, `azure.workload.identity/use: "true"`) {
			b, _ := json.MarshalIndent(commits, "", "  ")
			t.Errorf("%d commits for the Deployment, want one with both labels:\n%s", len(commits), b)
		}
		if n := f.Tally().ReplicaSets; n != 1 {
			t.Errorf("%d new templates, want 1", n)
		}
		wantNoHarm(t, f)
	})
}
