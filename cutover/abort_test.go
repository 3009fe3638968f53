package cutover_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

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
