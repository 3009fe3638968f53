package cutover_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// Whenever the webhook goes down, and whether it comes back or not, a unit ends moved or where it was, and no token is lost on either way. Only
// where a Job of the new path still waits for the webhook to bear its pod does the account keep its annotation until then.
func TestAWebhookThatGoesDownAtAnyTimeCostsNoToken(t *testing.T) {
	t.Parallel()
	kinds := []string{"Deployment", "StatefulSet", "DaemonSet", "CronJob", "Rollout"}
	back := 0
	for seed := range uint64(60 / stride) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 7))
				mode := []catalog.PodIdentityMode{catalog.ModeStandard, catalog.ModeManaged}[rng.IntN(2)]
				f := cutovertest.New(&cutovertest.Options{Seed: seed, Mode: mode, TokenEvery: time.Minute})
				c := f.AddCluster("aks-eastus-01", "eastus", 4)
				kind := kinds[rng.IntN(len(kinds))]
				c.Deploy(cutovertest.App{Namespace: "shop", Name: "web", Kind: kind, Replicas: 1 + rng.IntN(8)})
				settle(t)
				if kind == "Deployment" && rng.IntN(2) == 0 {
					breathe(c, kind, "web", 3, 9)
				}
				f.ResetTally()
				p := planFor(t, f, &cutover.PlanOptions{Soak: 2 * time.Hour})
				c.After(time.Duration(rng.Int64N(int64(40*time.Minute))), func(s *cutovertest.Script) {
					s.SetWebhook(cutovertest.WebhookDown)
					if rng.IntN(2) == 0 {
						s.Again(time.Duration(rng.Int64N(int64(2*time.Hour))), func(s *cutovertest.Script) { s.SetWebhook(cutovertest.WebhookUp) })
					}
				})
				g := webhookGates()
				g.Annotated = cutover.Eventually(cutover.InjectionProbe(3), time.Minute, time.Second)
				r := runnerFor(t, f, cutovertest.NewJournal(), g, &cutover.Options{Patience: 3 * time.Hour})
				rep := mustRun(t, r, p)
				if u := rep.Units[0]; kind == "CronJob" && u.State == cutover.RollingBack && u.Hold == cutover.HoldJob {
					c.SetWebhook(cutovertest.WebhookUp)
					rep = mustRollback(t, r, p)
				}
				switch u := rep.Units[0]; u.State {
				case cutover.Done:
				case cutover.RolledBack:
					back++
				default:
					t.Errorf("%s %s is %s (%s: %s)", mode, kind, u.State, u.Hold, u.Reason)
				}
				time.Sleep(time.Hour)
				wantNoHarm(t, f)
			})
		})
	}
	if back < 10/stride {
		t.Errorf("only %d of %d units were rolled back: the test shows little", back, 60/stride)
	}
}
