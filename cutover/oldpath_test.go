package cutover_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestTheNewPathStaysUntilTheOldOneServes(t *testing.T) {
	t.Parallel()
	failing := func() cutover.Gates {
		g := cutovertest.PassGates()
		g.LoadAgain = cutovertest.Verdict(cutover.Fail, "scripted")
		return g
	}
	useLabel := func(c *cutovertest.Cluster) any {
		return templateLabels(c.Dump()["Deployment/shop/web"])["azure.workload.identity/use"]
	}
	bubble(t, "MIC that is stuck holds the way back, and nothing is lost", func(t *testing.T) {
		f, c, p := soaking(t, catalog.ModeStandard, cutovertest.App{})
		origin := quiesced(c)
		j := cutovertest.NewJournal()
		g := failing()
		g.LoadAgain = func(context.Context, cutover.Target) cutover.Verdict {
			c.SetMIC(false)
			return cutover.Verdict{Result: cutover.Fail, Reason: "scripted"}
		}
		r := runnerFor(t, f, j, g, nil)
		rep := mustRun(t, r, p)
		if u := rep.Units[0]; u.State != cutover.RollingBack || u.Hold != cutover.HoldOldPath || useLabel(c) != "true" {
			t.Errorf("%s (%s: %s), label %v", u.State, u.Hold, u.Reason, useLabel(c))
		}
		time.Sleep(24 * time.Hour)
		wantNoHarm(t, f)
		c.SetMIC(true)
		wantStates(t, mustRun(t, r, p), cutover.RolledBack)
		if diff := cmp.Diff(origin, quiesced(c)); diff != "" {
			t.Errorf("before (-) and after the rollback (+):\n%s", diff)
		}
		wantNoHarm(t, f)
	})
	bubble(t, "in standard mode MIC is waited for, in managed mode nothing", func(t *testing.T) {
		for mode, atLeast := range map[catalog.PodIdentityMode]time.Duration{catalog.ModeStandard: 50 * time.Second, catalog.ModeManaged: 0} {
			f, c, p := soaking(t, mode, cutovertest.App{})
			var undone, both time.Time
			r := runnerFor(t, f, cutovertest.NewJournal(), failing(), &cutover.Options{OnEvent: func(e cutover.Event) {
				if e.Type == cutover.EventUndo && e.Message == "unbind/Deployment/web" {
					undone = e.Time
				}
				if e.Type == cutover.EventWrite && e.Step == "label/Deployment/web" && !undone.IsZero() && both.IsZero() {
					both = e.Time
				}
			}})
			wantStates(t, mustRun(t, r, p), cutover.RolledBack)
			if waited := both.Sub(undone); waited < atLeast || atLeast == 0 && waited > time.Minute {
				t.Errorf("%s: the new path was taken away after %s", mode, waited)
			}
			wantNoHarm(t, f)
			_ = c
		}
	})
	bubble(t, "a witness of one's own is asked until it agrees", func(t *testing.T) {
		f, c, p := soaking(t, catalog.ModeManaged, cutovertest.App{})
		silent := true
		var asked []string
		r := runnerFor(t, f, cutovertest.NewJournal(), failing(), &cutover.Options{
			OldPathServes: func(_ context.Context, cluster, namespace string, pods []string) error {
				asked = append(asked, fmt.Sprint(cluster, " ", namespace, " ", len(pods)))
				if silent {
					return errors.New("NMI answers 404")
				}
				return nil
			}})
		rep := mustRun(t, r, p)
		if u := rep.Units[0]; u.State != cutover.RollingBack || !strings.Contains(u.Reason, "NMI answers 404") || useLabel(c) != "true" {
			t.Errorf("%s (%s), label %v", u.State, u.Reason, useLabel(c))
		}
		silent = false
		wantStates(t, mustRun(t, r, p), cutover.RolledBack)
		if asked[0] != "aks-eastus-01 shop 3" {
			t.Errorf("asked about %q", asked[0])
		}
	})
	bubble(t, "a unit whose way back waits can be thawed, and moves again from its first step", func(t *testing.T) {
		f, c, p := soaking(t, catalog.ModeStandard, cutovertest.App{})
		j := cutovertest.NewJournal()
		soakUntilTheWebhookFails(t, f, c, p, j)
		c.Remove("AzureIdentityBinding", "shop", "shop-web-binding")
		wantFrozen(t, mustRollback(t, runnerFor(t, f, j, cutovertest.PassGates(), nil), p), "is gone: the old path would not work")
		c.SetWebhook(cutovertest.WebhookUp)
		r := runnerFor(t, f, j, cutovertest.PassGates(), nil)
		if _, err := r.Thaw(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		wantStates(t, mustRun(t, r, p), cutover.Done)
		wantNoHarm(t, f)
	})
}
