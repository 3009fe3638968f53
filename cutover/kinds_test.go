package cutover_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// Kinds whose pods come by runs, or stand behind owners of their own, pass the provided gates as the built-in ones do: under load.
func TestDefaultGatesMoveCustomKindsUnderLoad(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		kind string
		load bool // it scales out and in; else it is idle
		want cutover.State
	}{
		{"a ScaledJob, by the Jobs that its queue makes", "ScaledJob", false, cutover.Done},
		{"a Knative Service, whose pods are four owners away", "Service", true, cutover.Done},
		{"but no Knative Service that stands still", "Service", false, cutover.Held},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{Kind: tc.kind})
			if tc.load {
				breathe(c, tc.kind, "web", 3, 9)
			}
			p := planFor(t, f, &cutover.PlanOptions{Soak: 2 * time.Hour})
			rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), realGates(nil), &cutover.Options{Patience: 6 * time.Hour}), p)
			wantStates(t, rep, tc.want)
			if tc.want == cutover.Held {
				wantHold(t, rep, cutover.HoldLoad, "no scale-out was seen")
			}
			wantNoHarm(t, f)
			now := c.Dump()
			_, bound := now["AzureIdentityBinding/shop/shop-web-binding"]
			if done := tc.want == cutover.Done; bound == done || done && strings.Contains(fmt.Sprint(now[tc.kind+"/shop/web"]), "aadpodidbinding") {
				t.Errorf("the binding is there: %v, and the workload is %v", bound, now[tc.kind+"/shop/web"])
			}
		})
	}
}

// A unit of nothing but Jobs has nothing to change: they end on the old path, and once NMI has been silent for the soak their binding goes.
func TestDefaultGatesWaitForAUnitOfJobs(t *testing.T) {
	bubble(t, "with provided gates", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Kind: "Job", Runs: 30 * time.Hour})
		p, j := planFor(t, f, &cutover.PlanOptions{Soak: 2 * time.Hour}), cutovertest.NewJournal()
		var kinds []string
		for _, s := range p.Units[0].Steps {
			kinds = append(kinds, string(s.Kind))
		}
		if got := strings.Join(kinds, " "); got != "preflight trust annotate soak finish finish" {
			t.Errorf("steps %s", got)
		}
		r := runnerFor(t, f, j, realGates(nil), &cutover.Options{Patience: 3 * time.Hour})
		rep := mustRun(t, r, p)
		wantHold(t, rep, cutover.HoldEvidence, "is still on the old path")
		if _, there := c.Dump()["AzureIdentityBinding/shop/shop-web-binding"]; !there {
			t.Error("the binding is gone while the Job needs it")
		}
		time.Sleep(30 * time.Hour)
		wantStates(t, mustRun(t, r, p), cutover.Done)
		wantNoHarm(t, f)
	})
}
