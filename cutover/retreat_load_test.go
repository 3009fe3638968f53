package cutover_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestAWebhookThatIsDownDoesNotBlockTheWayBackUnderLoad(t *testing.T) {
	t.Parallel()
	bubble(t, "scale-outs and new nodes meanwhile", func(t *testing.T) {
		f, c, p := soaking(t, catalog.ModeStandard, cutovertest.App{Replicas: 6})
		breathe(c, "Deployment", "web", 4, 12)
		j := cutovertest.NewJournal()
		soakUntilTheWebhookFails(t, f, c, p, j)
		wantStates(t, mustRollback(t, runnerFor(t, f, j, cutovertest.PassGates(), nil), p), cutover.RolledBack)
		time.Sleep(time.Hour)
		wantNoHarm(t, f)
		if tally := f.Tally(); tally.Taken < 1000 {
			t.Errorf("only %d tokens: the test shows little", tally.Taken)
		}
	})
	bubble(t, "down at the canary of the second rollout", func(t *testing.T) {
		f, c, p := soaking(t, catalog.ModeStandard, cutovertest.App{Replicas: 6})
		origin := quiesced(c)
		g := cutovertest.PassGates()
		g.Canary = func(context.Context, cutover.Target) cutover.Verdict {
			c.SetWebhook(cutovertest.WebhookDown)
			return cutover.Verdict{Result: cutover.Fail, Reason: "scripted"}
		}
		wantStates(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), p), cutover.RolledBack)
		if diff := cmp.Diff(origin, quiesced(c)); diff != "" {
			t.Errorf("before (-) and after the rollback (+):\n%s", diff)
		}
		wantNoHarm(t, f)
	})
	bubble(t, "down just after the old label is back", func(t *testing.T) {
		f, c, p := soaking(t, catalog.ModeStandard, cutovertest.App{Replicas: 6})
		origin := quiesced(c)
		g := cutovertest.PassGates()
		g.LoadAgain = cutovertest.Verdict(cutover.Fail, "scripted")
		down, j := false, cutovertest.NewJournal()
		r := runnerFor(t, f, j, g, &cutover.Options{OnEvent: func(e cutover.Event) {
			if e.Type == cutover.EventWrite && e.Step == "unbind/Deployment/web" && f.Tally().NewPath > 0 {
				down = true
			}
			if e.Type == cutover.EventUndo && down {
				c.After(time.Second, func(s *cutovertest.Script) { s.SetWebhook(cutovertest.WebhookDown) })
			}
		}})
		wantStates(t, mustRun(t, r, p), cutover.RolledBack)
		if diff := cmp.Diff(origin, quiesced(c)); diff != "" {
			t.Errorf("before (-) and after the rollback (+):\n%s", diff)
		}
		if !strings.Contains(j.Text(), "retreat/Deployment/web") {
			t.Error("the rollback got through without a retreat: the test shows nothing")
		}
		wantNoHarm(t, f)
	})
	bubble(t, "what somebody changes meanwhile is theirs", func(t *testing.T) {
		f, c, p := soaking(t, catalog.ModeStandard, cutovertest.App{Replicas: 6})
		j := cutovertest.NewJournal()
		soakUntilTheWebhookFails(t, f, c, p, j)
		c.SetMIC(false)
		r := runnerFor(t, f, j, cutovertest.PassGates(), nil)
		mustRollback(t, r, p)
		c.Edit("Deployment", "shop", "web", "kubectl", func(o map[string]any) { o["spec"].(map[string]any)["minReadySeconds"] = int64(7) })
		c.SetMIC(true)
		wantStates(t, mustRollback(t, r, p), cutover.RolledBack)
		spec := c.Dump()["Deployment/shop/web"]["spec"].(map[string]any)
		if spec["minReadySeconds"] != int64(7) || spec["progressDeadlineSeconds"] != nil {
			t.Errorf("spec %v", spec)
		}
	})
}
