package cutover_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// The births that a load gate counts are those of its window. A pod that was born wrongly before it, while no gate looked, must not be passed
// over: it is on the path that the gate judges.
func TestAPodBornWronglyBetweenTwoGatesIsNotPassedOverByTheLoadGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		g := realGates(nil)
		g.Load, g.LoadAgain = underLoad(c, 9, g.Load), underLoad(c, 20, g.LoadAgain)
		unbound := g.Unbound
		g.Unbound = func(ctx context.Context, target cutover.Target) cutover.Verdict {
			v := unbound(ctx, target)
			if v.Result == cutover.Pass {
				c.SetWebhook(cutovertest.WebhookWrong)
				c.Scale("Deployment", "shop", "web", 12)
				time.Sleep(30 * time.Second)
				c.SetWebhook(cutovertest.WebhookUp)
			}
			return v
		}
		r := runnerFor(t, f, cutovertest.NewJournal(), g, &cutover.Options{OnFailure: cutover.Keep, Patience: 2 * time.Hour, Oracle: f})
		wantFrozen(t, mustRun(t, r, planFor(t, f, &cutover.PlanOptions{Soak: 30 * time.Minute})), "load again: still injected")
	})
}

// underLoad has web scale out, onto new nodes too, once a gate has begun.
func underLoad(c *cutovertest.Cluster, replicas int, gate cutover.Gate) cutover.Gate {
	return func(ctx context.Context, t cutover.Target) cutover.Verdict {
		c.After(time.Minute, func(s *cutovertest.Script) {
			s.AddNode()
			s.Scale("Deployment", "shop", "web", replicas)
		})
		return gate(ctx, t)
	}
}
