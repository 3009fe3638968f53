package cutover_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestAFailedGateRollsBackAndFreezesTheFleet(t *testing.T) {
	t.Parallel()
	failing := func(set func(g *cutover.Gates, gate cutover.Gate)) cutover.Gates {
		g := cutovertest.PassGates()
		set(&g, func(_ context.Context, t cutover.Target) cutover.Verdict {
			if t.Unit.Namespace == "bad" {
				return cutover.Verdict{Gate: "V3", Result: cutover.Fail, Reason: "AADSTS700213"}
			}
			return cutover.Verdict{Gate: "V3", Result: cutover.Pass}
		})
		return g
	}
	for name, set := range map[string]func(g *cutover.Gates, gate cutover.Gate){
		"dual path": func(g *cutover.Gates, gate cutover.Gate) { g.DualPath = gate }, "load": func(g *cutover.Gates, gate cutover.Gate) { g.Load = gate },
		"canary": func(g *cutover.Gates, gate cutover.Gate) { g.Canary = gate }, "unbound": func(g *cutover.Gates, gate cutover.Gate) { g.Unbound = gate },
		"load again": func(g *cutover.Gates, gate cutover.Gate) { g.LoadAgain = gate }, "soak": func(g *cutover.Gates, gate cutover.Gate) { g.Soak = gate },
	} {
		bubble(t, name, func(t *testing.T) {
			f := cutovertest.New(nil)
			c := f.AddCluster("aks-eastus-01", "eastus", 4)
			c.Deploy(cutovertest.App{Namespace: "bad", Name: "web"})
			c.Deploy(cutovertest.App{Namespace: "good", Name: "web"})
			settle(t)
			f.ResetTally()
			before := c.Dump()
			p := planFor(t, f, &cutover.PlanOptions{Soak: 10 * time.Minute})
			j := cutovertest.NewJournal()
			r := runnerFor(t, f, j, failing(set), nil)
			rep := mustRun(t, r, p)
			if got := [2]cutover.State{rep.Units[0].State, rep.Units[1].State}; got != [2]cutover.State{cutover.RolledBack, cutover.Planned} {
				t.Errorf("states %v", got)
			}
			if diff := cmp.Diff(before, c.Dump()); diff != "" {
				t.Errorf("before (-) and after the rollback (+):\n%s", diff)
			}
			if n := f.Tally().ReplicaSets; n > 2 {
				t.Errorf("%d new templates: the old ones were not used again", n)
			}
			wantNoHarm(t, f)
			rep = mustRun(t, r, p)
			if rep.Units[1].State != cutover.Planned {
				t.Errorf("a frozen fleet went on: %+v", rep.Units[1])
			}
			if _, err := r.Thaw(t.Context(), p, rep.Units[0].ID); err != nil {
				t.Fatal(err)
			}
			wantStates(t, mustRun(t, runnerFor(t, f, j, cutovertest.PassGates(), nil), p), cutover.Done)
			wantNoHarm(t, f)
		})
	}
}
