package cutover_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// A gate that waits for long says now and then what for; one that is soon through says nothing.
func TestAGateThatWaitsSaysWhatFor(t *testing.T) {
	t.Parallel()
	const looks = 20 * time.Second
	waitsFor := func(long time.Duration, reason func(look int) string) cutover.Gate {
		var look int
		return cutover.Eventually(func(context.Context, cutover.Target) cutover.Verdict {
			if time.Duration(look)*looks >= long {
				return cutover.Verdict{Gate: "load", Result: cutover.Pass}
			}
			look++
			return cutover.Verdict{Gate: "load", Result: cutover.Inconclusive, Reason: reason(look)}
		}, time.Hour, looks)
	}
	for name, c := range map[string]struct {
		load cutover.Gate
		want []string
	}{
		"soon through":    {waitsFor(40*time.Second, func(int) string { return "idle" }), nil},
		"always the same": {waitsFor(10*time.Minute, func(int) string { return "idle" }), []string{"idle"}},
		"something else each time": {waitsFor(3*time.Minute, func(look int) string { return fmt.Sprintf("%d pods", look) }),
			[]string{"4 pods", "7 pods"}},
	} {
		bubble(t, name, func(t *testing.T) {
			f := cutovertest.New(nil)
			cluster := f.AddCluster("aks-eastus-01", "eastus", 3)
			cluster.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
			settle(t)
			g := cutovertest.PassGates()
			g.Load = c.load
			var said []string
			opts := &cutover.Options{OnEvent: func(e cutover.Event) {
				if e.Type == cutover.EventWaiting && e.Step == string(cutover.StepLoad) && e.Unit != "" && e.Verdict != nil {
					said = append(said, e.Message)
				}
			}}
			wantStates(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, opts), planFor(t, f, &cutover.PlanOptions{Soak: -1})), cutover.Done)
			if diff := cmp.Diff(c.want, slices.Clip(said)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The load gate waits a day for a scale-out; meanwhile its operator reads that none was seen.
func TestTheLoadGateSaysThatItSeesNoLoad(t *testing.T) {
	bubble(t, "idle", func(t *testing.T) {
		f := cutovertest.New(nil)
		cluster := f.AddCluster("aks-eastus-01", "eastus", 3)
		cluster.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
		settle(t)
		g := cutovertest.PassGates()
		g.Annotated = cutover.Eventually(cutover.InjectionProbe(3), time.Minute, time.Second)
		g.Load = cutover.Load(&cutover.LoadOptions{Deadline: time.Hour})
		var said []cutover.Event
		opts := &cutover.Options{OnEvent: func(e cutover.Event) {
			if e.Type == cutover.EventWaiting {
				said = append(said, e)
			}
		}}
		wantStates(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, opts), planFor(t, f, &cutover.PlanOptions{Soak: -1})), cutover.Held)
		if len(said) == 0 || said[0].Verdict.Hold != cutover.HoldLoad || said[0].Message == "" {
			t.Errorf("it says %+v", said)
		}
	})
}
