package cutover_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestASecondRolloutWaitsAtItsCanaryForAsLongAsNobodyDecides(t *testing.T) {
	for _, kind := range []string{"Deployment", "StatefulSet"} {
		for _, died := range []bool{false, true} {
			name := kind + ", held for evidence"
			if died {
				name = kind + ", its runner died"
			}
			bubble(t, name, func(t *testing.T) {
				f, c := oneApp(t, cutovertest.App{Kind: kind, Replicas: 5})
				p := planFor(t, f, &cutover.PlanOptions{Soak: 10 * time.Minute})
				ctx, cancel := context.WithCancel(t.Context())
				asked := 0
				g := cutovertest.PassGates()
				g.Canary = func(context.Context, cutover.Target) cutover.Verdict {
					if asked++; asked > 1 {
						return cutover.Verdict{Gate: "canary", Result: cutover.Pass}
					}
					if died {
						cancel()
					}
					return cutover.Verdict{Gate: "canary", Result: cutover.Inconclusive, Reason: "nobody has looked"}
				}
				r := runnerFor(t, f, cutovertest.NewJournal(), g, nil)
				rep, err := r.Run(ctx, p)
				if err != nil {
					t.Fatal(err)
				}
				wantStates(t, rep, cutover.Held)
				wantCanaryOfFive(t, f, c, func() *cutover.Report { return mustRun(t, r, p) }, 2)
			})
		}
	}
}

func TestACanaryThatDoesNotBecomeReadyFailsByTheWorkloadsOwnDeadlineNotByThatOfItsHold(t *testing.T) {
	for _, single := range []bool{false, true} {
		bubble(t, map[bool]string{false: "two rollouts", true: "a single rollout"}[single], func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{Replicas: 5, CrashesOn: func(bound, _ bool) bool { return !bound }})
			before := c.Dump()
			opts := &cutover.PlanOptions{Soak: 10 * time.Minute}
			if single {
				opts = once(*opts)
			}
			p := planFor(t, f, opts)
			g := onceGates()
			begin := time.Now()
			rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), p)
			if u := rep.Units[0]; u.State != cutover.RolledBack || !strings.Contains(u.Reason, "was not complete") {
				t.Errorf("%s: %s", u.State, u.Reason)
			}
			if took := time.Since(begin); took > 30*time.Minute {
				t.Errorf("it took %s to see that no canary comes up", took)
			}
			wantDump(t, c, before)
		})
	}
}

// wantCanaryOfFive judges a workload of five pods that is held at its canary of two: after a week it still is, a further run ends it, and
// that took so many templates.
func wantCanaryOfFive(t *testing.T, f *cutovertest.Fleet, c *cutovertest.Cluster, goOn func() *cutover.Report, templates int) {
	t.Helper()
	time.Sleep(7 * 24 * time.Hour)
	if moved, old := podsByLabel(t, c); moved != 2 || old < 3 {
		t.Errorf("after a week %d pods without the old label and %d with it, want 2 and the rest", moved, old)
	}
	wantStates(t, goOn(), cutover.Done)
	if moved, old := podsByLabel(t, c); moved != 5 || old != 0 {
		t.Errorf("in the end %d pods without the old label and %d with it", moved, old)
	}
	wantNoHarm(t, f)
	if n := f.Tally().ReplicaSets; n != templates {
		t.Errorf("%d new templates, want %d", n, templates)
	}
}
