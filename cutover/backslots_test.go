package cutover_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// mostBack is how many units of one group were on their way back at the same time at most: from the first change they put back to RolledBack.
func mostBack(told []cutover.Event, groupOf func(unit string) string) int {
	back, out := map[string][]string{}, 0
	for _, e := range told {
		group := groupOf(e.Unit)
		switch {
		case e.Type == cutover.EventUndo && !slices.Contains(back[group], e.Unit):
			back[group] = append(back[group], e.Unit)
			out = max(out, len(back[group]))
		case e.Type == cutover.EventState && e.State == cutover.RolledBack:
			back[group] = slices.DeleteFunc(back[group], func(id string) bool { return id == e.Unit })
		}
	}
	return out
}

func TestARollbackOfManyUnitsDoesNotRestartThemAllAtOnce(t *testing.T) {
	cluster := func(p *cutover.Plan, id string) string { return p.Unit(id).Cluster }
	region := func(p *cutover.Plan, id string) string { return p.Unit(id).Region }
	fleet := func(*cutover.Plan, string) string { return "" }
	for _, tc := range []struct {
		name    string
		limits  cutover.Limits
		atOnce  int
		groupOf func(p *cutover.Plan, id string) string
		want    int
	}{
		{"one per cluster", cutover.Limits{PerCluster: 1, PerRegion: -1, Fleet: -1}, 0, cluster, 1},
		{"one per region", cutover.Limits{PerCluster: -1, PerRegion: 1, Fleet: -1}, 0, region, 1},
		{"three in the fleet", cutover.Limits{PerCluster: -1, PerRegion: -1, Fleet: 3}, 0, fleet, 3},
		{"the runner's own number per cluster", cutover.Limits{}, 4, cluster, 4},
		{"all of them, where a person says so", cutover.Limits{}, -1, fleet, 24},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, p := crowd(t, false, tc.limits)
			j := cutovertest.NewJournal()
			g := cutovertest.PassGates()
			mustRun(t, runnerFor(t, f, j, g, nil), p)
			var told events
			rep := mustRollback(t, runnerFor(t, f, j, g, &cutover.Options{OnEvent: told.add, BackAtOnce: tc.atOnce}), p)
			wantStates(t, rep, cutover.RolledBack)
			if n := mostBack(told.all, func(id string) string { return tc.groupOf(p, id) }); n != tc.want {
				t.Errorf("%d units were on their way back at the same time, want %d", n, tc.want)
			}
			wantNoHarm(t, f)
		})
	}
}

func TestAUnitThatFailsGoesBackAtOnceWhoeverIsOnHisWay(t *testing.T) {
	bubble(t, "every slot is taken by a gate that lasts", func(t *testing.T) {
		f, p := crowd(t, false, cutover.Limits{PerCluster: -1, PerRegion: -1, PerIdentity: -1, Fleet: 3})
		last := p.Waves[len(p.Waves)-1].Units
		var told events
		var bad atomic.Pointer[string] // the first of them to come so far
		g := cutovertest.PassGates()
		g.Load = func(ctx context.Context, tg cutover.Target) cutover.Verdict {
			switch {
			case !slices.Contains(last, tg.Unit.ID):
			case bad.CompareAndSwap(nil, &tg.Unit.ID):
				time.Sleep(time.Hour)
				return cutover.Verdict{Gate: "load", Result: cutover.Fail, Reason: "scripted"}
			default:
				return cutovertest.Wait(24*time.Hour)(ctx, tg)
			}
			return cutover.Verdict{Gate: "load", Result: cutover.Pass}
		}
		mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, &cutover.Options{OnEvent: told.add}), p)
		var failed time.Time
		for _, e := range told.all {
			if e.Unit != *bad.Load() {
				continue
			}
			if e.Verdict != nil && e.Verdict.Result == cutover.Fail {
				failed = e.Time
			}
			if e.Type == cutover.EventUndo && e.Time.Sub(failed) > time.Minute {
				t.Errorf("it began to go back %s after it had failed", e.Time.Sub(failed))
			}
			if e.State == cutover.RolledBack && e.Time.Sub(failed) > time.Hour {
				t.Errorf("it was back %s after it had failed", e.Time.Sub(failed))
			}
		}
		if failed.IsZero() {
			t.Error("nothing failed")
		}
		wantNoHarm(t, f)
	})
	bubble(t, "who has lost the old path goes before who has both", func(t *testing.T) {
		f, p := crowd(t, false, cutover.Limits{PerCluster: -1, PerRegion: -1, PerIdentity: -1, Fleet: -1})
		last := p.Waves[len(p.Waves)-1].Units
		alone := func(id string) bool { return slices.Index(last, id)%2 == 0 }
		held := func(holds func(id string) bool) cutover.Gate {
			return func(_ context.Context, tg cutover.Target) cutover.Verdict {
				if slices.Contains(last, tg.Unit.ID) && holds(tg.Unit.ID) {
					return cutover.Verdict{Gate: "load", Result: cutover.Inconclusive}
				}
				return cutover.Verdict{Gate: "load", Result: cutover.Pass}
			}
		}
		g, j := cutovertest.PassGates(), cutovertest.NewJournal()
		g.LoadAgain, g.Load = held(alone), held(func(id string) bool { return !alone(id) })
		mustRun(t, runnerFor(t, f, j, g, nil), p)
		var told events
		if _, err := runnerFor(t, f, j, g, &cutover.Options{OnEvent: told.add, BackAtOnce: 1}).Rollback(t.Context(), p, last...); err != nil {
			t.Fatal(err)
		}
		both, back := map[string]int{}, 0 // by cluster: those with both paths that went before one without
		for _, e := range told.all {
			switch {
			case e.Type != cutover.EventState || e.State != cutover.RolledBack:
			case !alone(e.Unit):
				both[e.Cluster]++
				back++
			case both[e.Cluster] > 1: // the first to ask has its slot at once
				t.Errorf("%d units with both paths went before %s", both[e.Cluster], e.Unit)
			default:
				back++
			}
		}
		if back != len(last) || back < 8 {
			t.Errorf("%d of %d units went back", back, len(last))
		}
		wantNoHarm(t, f)
	})
}
