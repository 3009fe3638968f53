package cutover_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// oldOrdinals says which pods of web carry the old label.
func oldOrdinals(ctx context.Context, r cutover.Reader) []string {
	pods, err := r.List(ctx, cutover.Selection{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Labels: "aadpodidbinding"})
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, p := range pods {
		out = append(out, p.GetName())
	}
	return out
}

func partitionOf(c *cutovertest.Cluster) any {
	rolling, _ := c.Dump()["StatefulSet/shop/web"]["spec"].(map[string]any)["updateStrategy"].(map[string]any)["rollingUpdate"].(map[string]any)
	return rolling["partition"]
}

func TestAStatefulSetLosesTheOldLabelOrdinalByOrdinal(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		step     int
		replicas int
		want     []string // the pods on the old label at every judgement
	}{
		{"by default one after the other, the highest first", 0, 5, []string{"canary [web-0 web-1 web-2]", "[web-0 web-1]", "[web-0]", "all []"}},
		{"in bigger steps where the plan says so", 2, 7, []string{"canary [web-0 web-1 web-2 web-3 web-4]", "[web-0 web-1 web-2]", "[web-0]", "all []"}},
		{"all at once where it says so", -1, 5, []string{"canary [web-0 web-1 web-2]", "all []"}},
		{"a set no larger than the canary has a canary of one", 0, 2, []string{"canary [web-0]", "all []"}},
		{"a set of one is not walked", 0, 1, []string{"all []"}},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{Kind: "StatefulSet", Replicas: tc.replicas})
			before := partitionOf(c)
			var got []string
			seen := func(what string) cutover.Gate {
				return func(ctx context.Context, t cutover.Target) cutover.Verdict {
					if what != "canary " || t.Canary > 0 {
						got = append(got, what+fmt.Sprint(oldOrdinals(ctx, t.Cluster)))
					}
					return cutover.Verdict{Gate: "ordinals", Result: cutover.Pass}
				}
			}
			g := cutovertest.PassGates()
			g.Canary, g.Ordinals, g.Unbound = seen("canary "), seen(""), seen("all ")
			p := planFor(t, f, &cutover.PlanOptions{Limits: cutover.Limits{OrdinalStep: tc.step}})
			wantStates(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), p), cutover.Done)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("on the old label when judged (-want +got):\n%s", diff)
			}
			if after := partitionOf(c); after != before {
				t.Errorf("the partition was %v, and is %v", before, after)
			}
			wantNoHarm(t, f)
		})
	}
}

func TestAnOrdinalThatFailsStopsTheWalk(t *testing.T) {
	for _, tc := range []struct {
		name   string
		after  func(g *cutover.Gates) cutover.Gate
		result cutover.Result
		state  cutover.State
	}{
		{"a failure rolls every ordinal back, and restores the partition", nil, cutover.Fail, cutover.RolledBack},
		{"what was not seen holds the walk where it is", nil, cutover.Inconclusive, cutover.Held},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{Kind: "StatefulSet", Replicas: 5})
			before, j := c.Dump(), cutovertest.NewJournal()
			g := cutovertest.PassGates()
			g.Ordinals = cutovertest.Verdict(tc.result, "scripted")
			p := planFor(t, f, nil)
			rep := mustRun(t, runnerFor(t, f, j, g, nil), p)
			wantStates(t, rep, tc.state)
			if tc.state == cutover.RolledBack {
				if diff := cmp.Diff(before, c.Dump()); diff != "" {
					t.Errorf("before (-) and after the rollback (+):\n%s", diff)
				}
				return
			}
			time.Sleep(24 * time.Hour)
			if old := oldOrdinals(t.Context(), c); !slices.Equal(old, []string{"web-0", "web-1"}) {
				t.Errorf("held, and on the old label are %v", old)
			}
			wantStates(t, mustRun(t, runnerFor(t, f, j, cutovertest.PassGates(), nil), p), cutover.Done)
			wantNoHarm(t, f)
		})
	}
	bubble(t, "a partition that somebody else sets is theirs", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Kind: "StatefulSet", Replicas: 5})
		g := cutovertest.PassGates()
		g.Ordinals = func(context.Context, cutover.Target) cutover.Verdict {
			c.Edit("StatefulSet", "shop", "web", "kubectl", func(o map[string]any) {
				o["spec"].(map[string]any)["updateStrategy"].(map[string]any)["rollingUpdate"] = map[string]any{"partition": int64(4)}
			})
			return cutover.Verdict{Result: cutover.Pass}
		}
		rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), planFor(t, f, nil))
		wantHold(t, rep, cutover.HoldPaused, "partition is 4")
	})
}

// oneSet is a small fleet with one workload. The walk of a StatefulSet takes three steps.
func oneSet(t *testing.T, a cutovertest.App) (*cutovertest.Fleet, *cutovertest.Cluster, *cutover.Plan) {
	t.Helper()
	f, c := oneApp(t, a)
	return f, c, planFor(t, f, &cutover.PlanOptions{Limits: cutover.Limits{InducePods: 10}, Soak: 10 * time.Minute})
}

func TestACrashAtAnyWriteOfAnOrdinalWalkChangesNothingInTheEnd(t *testing.T) {
	t.Parallel()
	crashAtAnyWrite(t, cutovertest.App{Kind: "StatefulSet", Replicas: 5, HPA: true}, "release/StatefulSet/web")
}

func TestACrashAtAnyWriteOfADaemonSetsCanaryChangesNothingInTheEnd(t *testing.T) {
	t.Parallel()
	crashAtAnyWrite(t, cutovertest.App{Kind: "DaemonSet"}, "canary/DaemonSet/web")
}

func TestACrashAtAnyWriteOfTheFirstEvictionsChangesNothingInTheEnd(t *testing.T) {
	t.Parallel()
	crashAtAnyWrite(t, cutovertest.App{Kind: "StatefulSet", Replicas: 5, OnDelete: true, HPA: true}, "canary/StatefulSet/web")
}

// crashAtAnyWrite moves a unit, and takes another back from the gate of a step, in a process that dies at any write.
func crashAtAnyWrite(t *testing.T, a cutovertest.App, step string) {
	t.Helper()
	for _, back := range []bool{false, true} {
		var want outcome
		var origin map[string]map[string]any
		writes := 0
		move := func(t *testing.T, n int, before bool) outcome {
			f, c, p := oneSet(t, a)
			origin = c.Dump()
			j := cutovertest.NewJournal()
			if back {
				upTo(t, f, p, j, step)
				writes = journey(t, f, p, j, true, n, before)
			} else {
				writes = journey(t, f, p, j, false, n, before)
			}
			return outcomeOf(f, c)
		}
		synctest.Test(t, func(t *testing.T) { want = move(t, 0, false) })
		if want.Failed != 0 || want.Wrong != 0 {
			t.Fatalf("undisturbed: %d failed, %d wrong", want.Failed, want.Wrong)
		}
		if diff := cmp.Diff(origin, want.Dump); back && diff != "" {
			t.Errorf("before the migration (-) and after its rollback (+):\n%s", diff)
		}
		for n, all := 1, writes; n <= all; n += stride {
			bubble(t, fmt.Sprintf("rolling back %v, write %d", back, n), func(t *testing.T) {
				if diff := cmp.Diff(want, move(t, n, n%2 == 0)); diff != "" {
					t.Errorf("undisturbed (-) and crashed (+) runs differ:\n%s", diff)
				}
			})
		}
	}
}

// upTo runs a plan until the gate of a step is asked, and holds it there.
func upTo(t *testing.T, f *cutovertest.Fleet, p *cutover.Plan, j cutover.Journal, step string) {
	t.Helper()
	g := inducingGates()
	stop := func(_ context.Context, t cutover.Target) cutover.Verdict {
		if t.Step.ID == step {
			return cutover.Verdict{Result: cutover.Inconclusive, Reason: "here"}
		}
		return cutover.Verdict{Result: cutover.Pass}
	}
	g.DualPath, g.Canary, g.Ordinals, g.Unbound = stop, stop, stop, stop
	wantHold(t, mustRun(t, runnerFor(t, f, j, g, &cutover.Options{Evict: true}), p), cutover.HoldEvidence, "here")
}
