package cutover_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

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
