package cutover_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// probing gates start what the plan approves, give it two minutes, and pass.
func probing() cutover.Gates {
	g := cutovertest.PassGates()
	start := func(ctx context.Context, t cutover.Target) cutover.Verdict {
		for _, w := range t.Workloads {
			if _, err := t.Probe(ctx, w); err != nil {
				return cutover.Verdict{Gate: "probe", Result: cutover.Inconclusive, Reason: err.Error()}
			}
		}
		return cutovertest.Wait(3*time.Minute)(ctx, t)
	}
	g.DualPath, g.Load, g.Unbound, g.LoadAgain = start, start, start, start
	return g
}

// probeJourney runs a plan in a process that dies at its n-th write, and then in others until it is through.
func probeJourney(t *testing.T, app cutovertest.App, n int, before bool) (writes int, out map[string]map[string]any, tally cutovertest.Tally) {
	t.Helper()
	f, c := oneApp(t, app)
	suspendCron(c)
	p := planFor(t, f, &cutover.PlanOptions{ProbeIdle: approve, Soak: 10 * time.Minute})
	j := cutovertest.NewJournal()
	writes = lives(t, 4, n, before, func(ctx context.Context, _ int, crash *cutovertest.Crash) error {
		r, err := cutover.NewRunner(crash.Clusters(f.Clusters()), crash.Journal(j), probing(), &cutover.Options{Patience: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		rep, err := r.Run(ctx, p)
		if _, crashed := crash.Writes(); !crashed && err == nil {
			wantStates(t, rep, cutover.Done)
		}
		return err
	})
	time.Sleep(10 * time.Minute)
	return writes, c.Dump(), f.Tally()
}

// suspendCron suspends web, if it is a CronJob.
func suspendCron(c *cutovertest.Cluster) {
	c.Edit("CronJob", "shop", "web", "kubectl", func(o map[string]any) { o["spec"].(map[string]any)["suspend"] = true })
}

func TestACrashAtAnyWriteOfAProbeLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for name, app := range map[string]cutovertest.App{
		"scaled to one": {Replicas: -1}, "by a Job": {Replicas: -1, HPA: true}, "a suspended CronJob run once": {Kind: "CronJob"},
	} {
		var want map[string]map[string]any
		writes := 0
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { writes, want, _ = probeJourney(t, app, 0, false) })
			for kind := range want {
				if len(kind) > 4 && kind[:4] == "Job/" {
					t.Errorf("%s was left behind", kind)
				}
			}
			for n := 1; n <= writes; n += stride {
				for _, before := range []bool{true, false} {
					bubble(t, fmt.Sprintf("write %d before=%v", n, before), func(t *testing.T) {
						_, got, tally := probeJourney(t, app, n, before)
						if diff := cmp.Diff(want, got); diff != "" || tally.Failed+tally.Wrong != 0 {
							t.Errorf("undisturbed (-) and crashed (+) runs differ, tally %+v:\n%s", tally, diff)
						}
					})
				}
			}
		})
	}
}
