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

// failing is the two clusters with a unit in the second that fails in the third wave, and a gate that tells when it is asked.
func failing(t *testing.T, policy cutover.OnFailure, onFail func(w *twoClusters)) (w *twoClusters, j cutover.Journal, r *cutover.Runner) {
	t.Helper()
	w = newTwoClusters(t)
	j = w.journal(t, "config map")
	g := cutovertest.PassGates()
	g.Load = func(ctx context.Context, tg cutover.Target) cutover.Verdict {
		if tg.Unit.Namespace != "team-03" {
			return cutovertest.Wait(time.Hour)(ctx, tg)
		}
		onFail(w)
		return cutover.Verdict{Gate: "load", Result: cutover.Fail, Reason: "AADSTS700213"}
	}
	r, err := cutover.NewRunner(w.clusters, j, g, &cutover.Options{Trust: w.fleet, Exchanger: w.fleet, Oracle: w.fleet, OnFailure: policy})
	if err != nil {
		t.Fatal(err)
	}
	return w, j, r
}

// wantFrozenFleet runs once more and wants that nothing goes forward, and that the report says for which unit.
func wantFrozenFleet(t *testing.T, w *twoClusters, j cutover.Journal) {
	t.Helper()
	var told events
	rep, err := w.runner(t, j, told.add).Run(t.Context(), w.plan)
	if err != nil {
		t.Error(err)
	}
	for _, e := range told.all {
		if e.Type == cutover.EventWrite && e.Cluster == "aks-eastus-01" {
			t.Errorf("the next run goes on: %s, %s", e.Unit, e.Message)
		}
	}
	if len(rep.Frozen) != 1 || !strings.HasPrefix(rep.Frozen[0], "aks-eastus-02/team-03/web is ") || !strings.Contains(rep.Frozen[0], "AADSTS700213") {
		t.Errorf("the report names %q", rep.Frozen)
	}
	for _, u := range rep.Units {
		if u.Failed != strings.Contains(u.ID, "team-03") {
			t.Errorf("%s: failed=%v", u.ID, u.Failed)
		}
	}
}

func TestAFailureFreezesTheFleetWhereItsClusterDoesNotAnswer(t *testing.T) {
	bubble(t, "it goes away before the failure is written down", func(t *testing.T) {
		w, j, r := failing(t, cutover.RollBack, func(w *twoClusters) { w.bad.down.Store(true) })
		rep, err := r.Run(t.Context(), w.plan)
		var unit *cutover.UnitError
		if !errors.As(err, &unit) || unit.Unit != "aks-eastus-02/team-03/web" {
			t.Errorf("got %v", err)
		}
		if len(rep.Frozen) != 1 {
			t.Errorf("the report names %q", rep.Frozen)
		}
		wantFrozenFleet(t, w, j)
		wantFrozenFleet(t, w, j)
		w.bad.down.Store(false)
		wantFrozenFleet(t, w, j) // which puts the unit back, as the first would have
		after := w.runner(t, j, nil)
		if rep, err = after.Status(t.Context(), w.plan); err != nil {
			t.Fatal(err)
		}
		w.want(t, rep, "once it answers again", "Done", "Done", "Held freeze", "RolledBack")
		if _, err := after.Thaw(t.Context(), w.plan); err != nil {
			t.Fatal(err)
		}
		wantStates(t, mustRun(t, after, w.plan), cutover.Done)
		wantNoHarm(t, w.fleet)
	})
	bubble(t, "it goes away after that", func(t *testing.T) {
		w, j, r := failing(t, cutover.Keep, func(*twoClusters) {})
		mustRun(t, r, w.plan)
		w.bad.down.Store(true)
		wantFrozenFleet(t, w, j)
		w.bad.down.Store(false)
		wantFrozenFleet(t, w, j)
		after := w.runner(t, j, nil)
		rep, err := after.Thaw(t.Context(), w.plan)
		if err != nil || len(rep.Frozen) > 0 {
			t.Errorf("after the thaw: %v, %v", rep.Frozen, err)
		}
		w.bad.down.Store(true) // what was thawed freezes nothing, though its own record cannot say so
		if rep, err = after.Status(t.Context(), w.plan); err != nil || len(rep.Frozen) > 0 {
			t.Errorf("after the thaw: %v, %v", rep.Frozen, err)
		}
		w.bad.down.Store(false)
		wantStates(t, mustRun(t, after, w.plan), cutover.Done)
	})
	bubble(t, "what it has lost cannot be thawed from afar", func(t *testing.T) {
		w, j, r := failing(t, cutover.RollBack, func(w *twoClusters) { w.bad.down.Store(true) })
		if _, err := r.Run(t.Context(), w.plan); err == nil {
			t.Error("no error")
		}
		if _, err := r.Thaw(t.Context(), w.plan); err == nil {
			t.Error("what could not be thawed is an error")
		}
		wantFrozenFleet(t, w, j)
	})
}

func TestAFailureIsWrittenDownEvenIfWhatItsGateInducedCannotBeRestored(t *testing.T) {
	bubble(t, "and the next run restores it and puts the unit back", func(t *testing.T) {
		f, c, p := oneUnit(t)
		before := quiesced(c)
		j, refuses, failed := cutovertest.NewJournal(), true, false
		g := cutovertest.PassGates()
		g.Load = func(ctx context.Context, tg cutover.Target) cutover.Verdict {
			v := inducing(ctx, tg)
			failed, v.Result, v.Reason = true, cutover.Fail, "AADSTS700213"
			return v
		}
		clusters := map[string]cutover.Cluster{c.Name(): stuck{c, func(w cutover.Write) bool {
			return refuses && failed && w.Ref.Kind == "HorizontalPodAutoscaler"
		}}}
		r, err := cutover.NewRunner(clusters, j, g, &cutover.Options{Trust: f, Exchanger: f, Oracle: f})
		if err != nil {
			t.Fatal(err)
		}
		rep, err := r.Run(t.Context(), p)
		if u := rep.Units[0]; err == nil || !u.Failed || u.State != cutover.RollingBack || len(rep.Frozen) != 1 {
			t.Errorf("%s, failed=%v, %v: %v", u.State, u.Failed, rep.Frozen, err)
		}
		refuses = false
		rep = mustRun(t, r, p)
		if u := rep.Units[0]; u.State != cutover.RolledBack || !u.Failed {
			t.Errorf("%s, failed=%v", u.State, u.Failed)
		}
		if diff := cmp.Diff(before, quiesced(c)); diff != "" {
			t.Errorf("before (-) and after the rollback (+):\n%s", diff)
		}
	})
}
