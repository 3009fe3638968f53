package cutover_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/internal/pause"
)

// A unit raises load; another fails meanwhile, which freezes the fleet; the process is killed, wherever that is. The next run begins in a
// frozen fleet, in which no unit goes on, and yet nothing stays raised until a person comes.
func TestNoLoadStaysRaisedInAFrozenFleet(t *testing.T) {
	for at := 1; ; at += stride {
		crashed := false
		bubble(t, fmt.Sprintf("killed at write %d", at), func(t *testing.T) {
			f := cutovertest.New(nil)
			c := f.AddCluster("aks-eastus-01", "eastus", 4)
			for i := range 6 {
				c.Deploy(cutovertest.App{Namespace: fmt.Sprintf("team-%02d", i), Name: "web", HPA: true, Replicas: 4})
			}
			settle(t)
			p := planFor(t, f, &cutover.PlanOptions{Limits: cutover.Limits{InducePods: 10, PerCluster: -1, PerRegion: -1, Fleet: -1}})
			raises, fails := twins(t, p)
			g := cutovertest.PassGates()
			g.Load = func(ctx context.Context, t cutover.Target) cutover.Verdict {
				if t.Unit.ID != raises {
					return cutover.Verdict{Result: cutover.Pass}
				}
				hpa := cutover.Ref{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler", Namespace: t.Unit.Namespace, Name: "web"}
				if err := t.Induce(ctx, cutover.Induction{Object: hpa, Path: []string{"spec", "minReplicas"}, To: 12, Extra: 8}); err != nil {
					return cutover.Verdict{Result: cutover.Inconclusive, Reason: err.Error()}
				}
				_ = pause.For(ctx, 3*time.Hour)
				return cutover.Verdict{Result: cutover.Pass}
			}
			g.Preflight = func(ctx context.Context, t cutover.Target) cutover.Verdict {
				if t.Unit.ID != fails {
					return cutover.Verdict{Result: cutover.Pass}
				}
				_ = pause.For(ctx, 2*time.Hour)
				return cutover.Verdict{Result: cutover.Fail, Reason: "scripted"}
			}
			j, crash := cutovertest.NewJournal(), cutovertest.NewCrash(at, at%2 == 0)
			dying, err := cutover.NewRunner(crash.Clusters(f.Clusters()), crash.Journal(j), g, &cutover.Options{Trust: f, Exchanger: f, Oracle: f})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = dying.Run(crash.Context(t.Context()), p)
			_, crashed = crash.Writes()
			rep := mustRun(t, runnerFor(t, f, j, g, nil), p)
			if len(rep.Frozen) != 1 {
				t.Errorf("the fleet is frozen by %q, want %s", rep.Frozen, fails)
			}
			for _, u := range p.Units {
				if n := c.Dump()["HorizontalPodAutoscaler/"+u.Namespace+"/web"]["spec"].(map[string]any)["minReplicas"]; n != int64(4) {
					t.Errorf("minReplicas of %s is still %v", u.ID, n)
				}
			}
		})
		if !crashed {
			break
		}
	}
}

// twins are two units of one wave.
func twins(t *testing.T, p *cutover.Plan) (one, other string) {
	t.Helper()
	for _, w := range p.Waves {
		if len(w.Units) > 1 {
			return w.Units[0], w.Units[1]
		}
	}
	t.Fatalf("no wave has two units: %+v", p.Waves)
	return "", ""
}
