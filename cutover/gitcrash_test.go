package cutover_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// The commit of a unit's own change may arrive while nobody is there to see it: it is still the unit's own, and a rollback puts it back
// before it takes the new path away.
func TestACommitThatArrivesAfterACrashIsStillOurs(t *testing.T) {
	t.Parallel()
	flux := map[string]string{"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
	for n, through := 1, false; !through; n += stride {
		for _, before := range []bool{true, false} {
			bubble(t, fmt.Sprintf("write %d before=%v", n, before), func(t *testing.T) {
				f, c := oneApp(t, cutovertest.App{Labels: flux})
				p := planFor(t, f, &cutover.PlanOptions{Soak: 10 * time.Minute})
				publish := func(_ context.Context, x cutover.Publication) error {
					c.After(time.Minute, func(s *cutovertest.Script) {
						if strings.Contains(x.StrategicMerge, "aadpodidbinding: null") {
							arrive(s, x)
						}
					})
					return nil
				}
				j := cutovertest.NewJournal()
				crash := cutovertest.NewCrash(n, before)
				g := onceGates()
				g.Soak = cutovertest.Verdict(cutover.Fail, "slow")
				r, err := cutover.NewRunner(crash.Clusters(f.Clusters()), crash.Journal(j), g, &cutover.Options{Patience: time.Hour, Publish: publish})
				if err != nil {
					t.Fatal(err)
				}
				_, _ = r.Run(crash.Context(t.Context()), p) //nolint:errcheck // it is dead
				_, crashed := crash.Writes()
				through = !crashed
				time.Sleep(10 * time.Minute)
				r = runnerFor(t, f, j, g, &cutover.Options{Patience: time.Hour, Publish: publish})
				rep := mustRun(t, r, p)
				if rep.Units[0].State == cutover.Frozen { // it died before it began the way back: a person must say so
					if rep, err = r.Rollback(t.Context(), p); err != nil {
						t.Fatal(err)
					}
				}
				wantStates(t, rep, cutover.RolledBack)
				time.Sleep(10 * time.Minute)
				if moved, old := podsByLabel(t, c); moved != 0 || old != 3 {
					t.Errorf("%d pods without the old label and %d with it", moved, old)
				}
				wantNoHarm(t, f)
			})
		}
	}
}

// A process may die when a change is in the repository and not yet in the journal as an intent. A rollback takes that one back too, or else
// a commit that is merged afterwards would take the old label from pods that have lost the new path.
func TestARollbackWithdrawsWhatWasPublishedAndNeverIntended(t *testing.T) {
	t.Parallel()
	flux := map[string]string{"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
	for n, through := 1, false; !through; n += stride {
		for _, merged := range []time.Duration{time.Minute, time.Hour} { // before the rollback, and after it
			bubble(t, fmt.Sprintf("write %d, merged after %s", n, merged), func(t *testing.T) {
				f, c := oneApp(t, cutovertest.App{Labels: flux})
				p := planFor(t, f, &cutover.PlanOptions{Soak: 10 * time.Minute})
				files := map[string]cutover.Publication{} // a repository: one patch for each object
				publish := func(_ context.Context, x cutover.Publication) error {
					files[x.Path] = x
					c.After(merged, func(s *cutovertest.Script) { merge(s, files[x.Path]) })
					return nil
				}
				j, crash := cutovertest.NewJournal(), cutovertest.NewCrash(n, true)
				opts := &cutover.Options{Patience: time.Hour, Publish: publish}
				r, err := cutover.NewRunner(crash.Clusters(f.Clusters()), crash.Journal(j), onceGates(), opts)
				if err != nil {
					t.Fatal(err)
				}
				ctx, done := context.WithTimeout(crash.Context(t.Context()), 30*time.Minute)
				defer done()
				_, _ = r.Run(ctx, p) //nolint:errcheck // it is dead
				_, crashed := crash.Writes()
				through = !crashed
				if !crashed {
					return
				}
				time.Sleep(10 * time.Minute)
				rep := mustRollback(t, runnerFor(t, f, j, onceGates(), opts), p)
				if s := rep.Units[0].State; s != cutover.RolledBack && s != cutover.Planned {
					t.Errorf("it ended %s: %s", s, rep.Units[0].Reason)
				}
				for _, x := range files {
					if strings.Contains(x.StrategicMerge, "aadpodidbinding: null") {
						t.Errorf("the repository still takes the old label away:\n%s", x.StrategicMerge)
					}
				}
				time.Sleep(3 * time.Hour)
				if moved, old := podsByLabel(t, c); moved != 0 || old != 3 {
					t.Errorf("%d pods without the old label and %d with it", moved, old)
				}
				wantNoHarm(t, f)
			})
		}
	}
}

// arrive is a repository's change of a Deployment as its tool applies it.
func arrive(s *cutovertest.Script, x cutover.Publication) {
	s.Edit(x.Object.Kind, x.Object.Namespace, x.Object.Name, "kustomize-controller", func(o map[string]any) {
		labels := o["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any)
		delete(labels, "aadpodidbinding")
	})
}

func TestARollbackLeavesTheNewPathWhereSomebodyElseTookTheOldLabel(t *testing.T) {
	bubble(t, "a person takes it from the template during the load window", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		g := onceGates()
		g.Load = func(context.Context, cutover.Target) cutover.Verdict {
			c.Edit("Deployment", "shop", "web", "kubectl", func(o map[string]any) {
				delete(o["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any), "aadpodidbinding")
			})
			return cutover.Verdict{Result: cutover.Fail, Reason: "slow"}
		}
		wantFrozen(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), planFor(t, f, nil)), "the new one is left in place")
		time.Sleep(time.Hour)
		wantNoHarm(t, f)
	})
}
