package cutover_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// crowd is two regions of two clusters of six units each; units of one number share an identity where shared says so.
func crowd(t *testing.T, shared bool, l cutover.Limits) (*cutovertest.Fleet, *cutover.Plan) {
	t.Helper()
	var opts cutovertest.Options
	if shared {
		opts.Mode = catalog.ModeManaged // in standard mode a binding reaches into other namespaces
	}
	f := cutovertest.New(&opts)
	for _, region := range []string{"eastus", "westeurope"} {
		for i := range 2 {
			c := f.AddCluster(fmt.Sprintf("aks-%s-%02d", region, i+1), region, 4)
			for n := range 6 {
				a := cutovertest.App{Namespace: fmt.Sprintf("%s-%d-%d", region, i, n), Name: "web", Replicas: 2}
				if shared {
					a.Identity, a.ClientID = fmt.Sprintf("id-%d", n%2), fmt.Sprintf("0000000%d-0000-4000-8000-000000000000", n%2)
				}
				c.Deploy(a)
			}
		}
	}
	settle(t)
	f.ResetTally()
	l.Bake = -1
	return f, planFor(t, f, &cutover.PlanOptions{Soak: 10 * time.Minute, Limits: l})
}

// most is how many units of one group were half-moved at the same time at most, over all groups: from a unit's first write until its load
// was verified on the new path alone.
func most(told []cutover.Event, groupOf func(unit string) string) int {
	moving, out := map[string][]string{}, 0
	for _, e := range told {
		group := groupOf(e.Unit)
		in := slices.Contains(moving[group], e.Unit)
		switch {
		case e.Type == cutover.EventWrite && !in && e.Step == "annotate":
			moving[group] = append(moving[group], e.Unit)
			out = max(out, len(moving[group]))
		case e.Type == cutover.EventVerdict && e.Step == "loadAgain" && e.Verdict.Result == cutover.Pass:
			moving[group] = slices.DeleteFunc(moving[group], func(id string) bool { return id == e.Unit })
		}
	}
	return out
}

func TestNoMoreUnitsAreHalfMovedAtATimeThanEachLimitSays(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		limits  cutover.Limits
		shared  bool
		limit   int
		groupOf func(u *cutover.Unit) string
	}{
		{"per cluster", cutover.Limits{PerCluster: 1, PerRegion: -1, PerIdentity: -1, Fleet: -1}, false, 1,
			func(u *cutover.Unit) string { return u.Cluster }},
		{"per cluster, two", cutover.Limits{PerCluster: 2, PerRegion: -1, PerIdentity: -1, Fleet: -1}, false, 2,
			func(u *cutover.Unit) string { return u.Cluster }},
		{"per region", cutover.Limits{PerCluster: -1, PerRegion: 2, PerIdentity: -1, Fleet: -1}, false, 2,
			func(u *cutover.Unit) string { return u.Region }},
		{"per identity", cutover.Limits{PerCluster: -1, PerRegion: -1, PerIdentity: 1, Fleet: -1}, true, 1,
			func(u *cutover.Unit) string { return u.Accounts[0].Identity.Key() }},
		{"in the fleet", cutover.Limits{PerCluster: -1, PerRegion: -1, PerIdentity: -1, Fleet: 3}, false, 3,
			func(*cutover.Unit) string { return "" }},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, p := crowd(t, tc.shared, tc.limits)
			g := cutovertest.PassGates()
			g.Load, g.LoadAgain = cutovertest.Wait(10*time.Minute), cutovertest.Wait(10*time.Minute)
			var told events
			wantStates(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, &cutover.Options{OnEvent: told.add}), p), cutover.Done)
			group := func(id string) string {
				if u := p.Unit(id); u != nil {
					return tc.groupOf(u)
				}
				return "" // an event of the fleet
			}
			if n := most(told.all, group); n != tc.limit {
				t.Errorf("%d units were half-moved at the same time, the limit is %d", n, tc.limit)
			}
			wantNoHarm(t, f)
		})
	}
}

func TestAUnitThatIsHeldLetsOthersHaveItsTurnAndGoesOnBeforeNewOnes(t *testing.T) {
	t.Parallel()
	bubble(t, "one waits for its commit, the other moves meanwhile", func(t *testing.T) {
		f := cutovertest.New(nil)
		c := f.AddCluster("aks-eastus-01", "eastus", 4)
		for i := range 6 {
			c.Deploy(cutovertest.App{Namespace: fmt.Sprintf("team-%02d", i), Name: "web", Replicas: 2})
		}
		settle(t)
		f.ResetTally()
		p := planFor(t, f, &cutover.PlanOptions{Soak: 10 * time.Minute, Limits: cutover.Limits{Bake: -1}, Mode: func(u cutover.Unit) cutover.Mode {
			if u.Namespace == "team-04" {
				return cutover.GitOps
			}
			return cutover.Direct
		}})
		wave := p.Waves[3].Units
		if len(wave) != 2 {
			t.Fatalf("the last wave holds %v", wave)
		}
		var told events
		r := runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), &cutover.Options{
			Patience: 30 * 24 * time.Hour, OnEvent: told.add,
			Publish: func(_ context.Context, pub cutover.Publication) error { // merged after three days
				if strings.Contains(pub.StrategicMerge, "aadpodidbinding: null") {
					c.After(72*time.Hour, func(s *cutovertest.Script) {
						s.Edit("Deployment", "team-04", "web", "kustomize-controller", func(o map[string]any) {
							delete(o["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any), "aadpodidbinding")
						})
					})
				}
				return nil
			},
		})
		wantStates(t, mustRun(t, r, p), cutover.Done)
		wantNoHarm(t, f)
		done := map[string]time.Time{}
		for _, e := range told.all {
			if e.State == cutover.Done {
				done[e.Unit] = e.Time
			}
		}
		if gap := done["aks-eastus-01/team-04/web"].Sub(done["aks-eastus-01/team-05/web"]); gap < 24*time.Hour {
			t.Errorf("the other unit was Done %s before the one that waits for Git: it waited for it", gap)
		}
	})
	bubble(t, "what a killed process has left half-moved goes on before anything else begins", func(t *testing.T) {
		f, p := crowd(t, false, cutover.Limits{PerCluster: -1, PerRegion: -1, PerIdentity: -1, Fleet: 2})
		j := cutovertest.NewJournal()
		last := p.Waves[len(p.Waves)-1].Units
		g := cutovertest.PassGates()
		ctx, cancel := context.WithCancel(t.Context())
		g.Load = func(ctx context.Context, tg cutover.Target) cutover.Verdict {
			if slices.Contains(last, tg.Unit.ID) {
				cancel()
				<-ctx.Done()
			}
			return cutover.Verdict{Gate: "load", Result: cutover.Pass}
		}
		var told events
		opts := &cutover.Options{OnEvent: told.add}
		if _, err := runnerFor(t, f, j, g, opts).Run(ctx, p); err != nil {
			t.Fatal(err)
		}
		wantStates(t, mustRun(t, runnerFor(t, f, j, cutovertest.PassGates(), opts), p), cutover.Done)
		if n := most(told.all, func(string) string { return "" }); n != 2 {
			t.Errorf("%d units were half-moved at the same time, the limit is 2", n)
		}
	})
}

func TestTheNextWaveBeginsAfterItsBakeTimeHoweverManyProcessesWaitForIt(t *testing.T) {
	t.Parallel()
	for _, stops := range []int{0, 2} {
		bubble(t, fmt.Sprintf("stopped %d times", stops), func(t *testing.T) { bakes(t, stops) })
	}
}

// bakes runs a plan with three hours between its waves, and stops the run so many times an hour into the first of them.
func bakes(t *testing.T, stops int) {
	t.Helper()
	f, p := manyUnits(t, 6, &cutover.PlanOptions{Soak: 10 * time.Minute, Limits: cutover.Limits{Bake: 3 * time.Hour, PerCluster: -1, PerRegion: -1}})
	var told events
	j := cutovertest.NewJournal()
	for range stops {
		ctx, cancel := context.WithCancel(t.Context())
		r := runnerFor(t, f, j, cutovertest.PassGates(), &cutover.Options{OnEvent: func(e cutover.Event) {
			told.add(e)
			if strings.HasPrefix(e.Message, "waiting ") {
				time.AfterFunc(time.Hour, cancel)
			}
		}})
		if _, err := r.Run(ctx, p); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	wantStates(t, mustRun(t, runnerFor(t, f, j, cutovertest.PassGates(), &cutover.Options{OnEvent: told.add}), p), cutover.Done)
	for i, w := range p.Waves[1:] {
		var ended, began time.Time
		for _, e := range told.all {
			if e.State == cutover.Done && slices.Contains(p.Waves[i].Units, e.Unit) && e.Time.After(ended) {
				ended = e.Time
			}
			if slices.Contains(w.Units, e.Unit) && (began.IsZero() || e.Time.Before(began)) {
				began = e.Time
			}
		}
		if pause := began.Sub(ended); pause < 3*time.Hour || pause > 3*time.Hour+time.Minute {
			t.Errorf("wave %s began %s after the one before it was Done, want 3h", w.Name, pause)
		}
	}
}
