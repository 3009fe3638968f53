package cutover_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// failsOnly passes for all units but one, whose load fails.
func failsOnly(unit string) cutover.Gates {
	g := cutovertest.PassGates()
	g.Load = func(_ context.Context, tg cutover.Target) cutover.Verdict {
		v := cutover.Verdict{Gate: "load", Result: cutover.Pass}
		if tg.Unit.ID == unit {
			v.Result, v.Reason = cutover.Fail, "AADSTS700213"
		}
		return v
	}
	return g
}

func TestARunnerThatIsFencedOffAsItFreezesItsUnitLeavesNoNoteThatCounts(t *testing.T) {
	bubble(t, "the runner that has taken the unit brings the fleet to its end", func(t *testing.T) {
		const unit = "aks-eastus-02/team-03/web"
		w := newTwoClusters(t)
		winner := w.runner(t, w.journal(t, "config map"), nil)
		taken := false
		losers := maps.Clone(w.clusters)
		losers["aks-eastus-02"] = writeTo{w.bad, func(ctx context.Context, c cutover.Cluster, write cutover.Write) (*unstructured.Unstructured, error) {
			if !taken && write.Ref.Kind == "ConfigMap" && strings.Contains(string(write.Body), `"state":"Frozen"`) {
				taken = true
				if _, err := winner.Abort(ctx, w.plan, unit); err != nil {
					t.Error(err)
				}
			}
			return c.Write(ctx, write)
		}}
		j, err := cutover.NewConfigMapJournal(losers, "ops")
		if err != nil {
			t.Fatal(err)
		}
		loser, err := cutover.NewRunner(losers, j, failsOnly(unit), &cutover.Options{Trust: w.fleet, Exchanger: w.fleet, Oracle: w.fleet})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := loser.Run(t.Context(), w.plan); !errors.Is(err, cutover.ErrFenced) || !taken {
			t.Fatalf("the loser ended with %v", err)
		}
		rep := mustRun(t, winner, w.plan)
		wantStates(t, rep, cutover.Done)
		if len(rep.Frozen) > 0 {
			t.Errorf("the winner's fleet is frozen: %s", rep.Frozen)
		}
		wantNoHarm(t, w.fleet)
	})
}
