package cutover_test

import (
	"errors"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func minReplicas(c *cutovertest.Cluster) any {
	return c.Dump()["HorizontalPodAutoscaler/shop/web"]["spec"].(map[string]any)["minReplicas"]
}

func TestAbortStopsWhatAnotherProcessMoves(t *testing.T) {
	t.Parallel()
	bubble(t, "it fences that process off, restores induced load and leaves the unit held", func(t *testing.T) {
		f, c, p := oneUnit(t)
		j := cutovertest.NewJournal()
		g := inducingGates()
		g.Load = staysInduced
		var other error
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, other = runnerFor(t, f, j, g, &cutover.Options{Actor: "other"}).Run(t.Context(), p)
		}()
		time.Sleep(15 * time.Minute)
		if n := minReplicas(c); n != int64(6) {
			t.Fatalf("minReplicas is %v: nothing was induced to begin with", n)
		}
		r := runnerFor(t, f, j, inducingGates(), &cutover.Options{Actor: "me"})
		rep, err := r.Abort(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		wantHold(t, rep, cutover.HoldAbort, "told to stop")
		if n := minReplicas(c); n != int64(3) {
			t.Errorf("minReplicas is %v after the abort, want 3", n)
		}
		_, writes := f.Requests()
		<-done
		if _, after := f.Requests(); after != writes || !errors.Is(other, cutover.ErrFenced) {
			t.Errorf("the process that was fenced off made %d writes and ended with %v", after-writes, other)
		}
		wantStates(t, mustRun(t, r, p), cutover.Done)
		wantNoHarm(t, f)
		if n := f.Tally().ReplicaSets; n != 2 {
			t.Errorf("%d new templates, want 2", n)
		}
	})
	bubble(t, "it ends a probe", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Replicas: -1})
		p, j, seen := planFor(t, f, &cutover.PlanOptions{ProbeIdle: approve}), cutovertest.NewJournal(), watchOver(t, c, "Deployment")
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, err := runnerFor(t, f, j, probing(), &cutover.Options{Actor: "other"}).Run(t.Context(), p)
			if !errors.Is(err, cutover.ErrFenced) {
				t.Errorf("got %v, want ErrFenced", err)
			}
		}()
		time.Sleep(time.Minute)
		if _, err := runnerFor(t, f, j, probing(), nil).Abort(t.Context(), p, "aks-eastus-01/shop/web"); err != nil {
			t.Error(err)
		}
		if n := c.Dump()["Deployment/shop/web"]["spec"].(map[string]any)["replicas"]; n != int64(0) || seen.replicas() != 1 {
			t.Errorf("replicas %v after the abort, up to %d before", n, seen.replicas())
		}
		<-done
	})
	bubble(t, "what is over, and what was never begun, stays as it is", func(t *testing.T) {
		f, _ := oneApp(t, cutovertest.App{})
		p, j := planFor(t, f, nil), cutovertest.NewJournal()
		r := runnerFor(t, f, j, cutovertest.PassGates(), nil)
		for _, want := range []cutover.State{cutover.Planned, cutover.Done, cutover.RolledBack} {
			rep, err := r.Abort(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			wantStates(t, rep, want)
			if want == cutover.Planned {
				mustRun(t, r, p)
			} else if _, err := r.Rollback(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
	})
	bubble(t, "a unit that the plan does not hold is an error", func(t *testing.T) {
		f, _ := oneApp(t, cutovertest.App{})
		_, err := runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), nil).Abort(t.Context(), planFor(t, f, nil), "no/such/unit")
		var unit *cutover.UnitError
		if !errors.As(err, &unit) || unit.Unit != "no/such/unit" {
			t.Errorf("got %v", err)
		}
	})
}
