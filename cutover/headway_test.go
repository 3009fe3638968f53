package cutover_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// slowly makes every pod take four minutes to be Ready.
func slowly(bool, bool) time.Duration { return 4 * time.Minute }

// Sixty pods, one after the other; under the race detector a part of them.
func TestARolloutOfManyPodsTakesTheTimeThatItTakesInBothDirections(t *testing.T) {
	t.Parallel()
	const pods, least = 60 / stride, 4 * time.Hour / stride
	for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet", "Rollout"} {
		for _, back := range []bool{false, true} {
			bubble(t, kind+map[bool]string{false: " forward", true: " and back"}[back], func(t *testing.T) {
				f := cutovertest.New(nil)
				nodes := 4
				if kind == "DaemonSet" {
					nodes = pods
				}
				c := f.AddCluster("aks-eastus-01", "eastus", nodes)
				c.Deploy(cutovertest.App{Namespace: "shop", Name: "web", Kind: kind, Replicas: pods, Surge: 1, Unavailable: 0, StartsLater: slowly})
				time.Sleep(8 * time.Hour)
				f.ResetTally()
				before := c.Dump()
				p := planFor(t, f, &cutover.PlanOptions{Soak: 10 * time.Minute, Limits: cutover.Limits{OrdinalStep: -1}})
				g, want := cutovertest.PassGates(), cutover.Done
				if back {
					g.LoadAgain, want = cutovertest.Verdict(cutover.Fail, "AADSTS700213"), cutover.RolledBack
				}
				begin := time.Now()
				wantStates(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), p), want)
				if took := time.Since(begin); took < least {
					t.Errorf("%d pods were replaced twice within %s: the test shows nothing", pods, took)
				}
				if back {
					wantDump(t, c, before)
				}
				wantNoHarm(t, f)
			})
		}
	}
}

func TestARolloutThatComesToAStandstillFails(t *testing.T) {
	for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet"} {
		bubble(t, kind, func(t *testing.T) {
			f := cutovertest.New(nil)
			c := f.AddCluster("aks-eastus-01", "eastus", 8)
			born := 0
			c.Deploy(cutovertest.App{
				Namespace: "shop", Name: "web", Kind: kind, Replicas: 8, Surge: 1, Unavailable: 0, StartsLater: slowly,
				CrashesOn: func(_, injected bool) bool { // from the fifth new pod on
					if injected {
						born++
					}
					return injected && born > 4
				},
			})
			time.Sleep(2 * time.Hour)
			f.ResetTally()
			begin := time.Now()
			rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), &cutover.Options{OnFailure: cutover.Keep}), planFor(t, f, nil))
			if u := rep.Units[0]; u.State != cutover.Frozen || !strings.Contains(u.Reason, "rollout of "+kind) {
				t.Errorf("%s: %s", u.State, u.Reason)
			}
			if took := time.Since(begin); took < 20*time.Minute || took > time.Hour {
				t.Errorf("it took %s to see that the fifth pod does not come up", took)
			}
			wantNoHarm(t, f)
		})
	}
}
