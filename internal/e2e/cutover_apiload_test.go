package e2e_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// A unit that waits leaves the API server alone: it hears through watches, and looks only as often as it was told to.
func TestAUnitThatWaitsCostsTheAPIServerLittle(t *testing.T) {
	t.Parallel()
	f := fleet.StartFleet(t, fleet.Spec{Azure: azure.Options{Propagation: propagation}})
	c := f.Clusters[0]
	waits := []struct {
		name, sentence string
		wait           func(t *testing.T, s *snare) (from, to time.Time)
	}{
		{"rollout", "for a rollout", waitForRollout}, {"noload", "for load that does not come", waitForLoad}, {"soaking", "for the end of its soak", waitForSoak},
	}
	var residents []resident
	for _, w := range waits {
		r := newResident(f, c, "Deployment", w.name, 2, 200*time.Millisecond)
		r.MaxReplicas = 10
		r.deploy(t)
		residents = append(residents, r)
	}
	awaitResidents(t, residents)
	plans := newOperator(t, f).plansByNamespace(t, cutover.PlanOptions{Soak: waited, Limits: cutover.Limits{InducePods: 10}})
	var some errgroup.Group
	for i, w := range waits {
		some.Go(func() error {
			t.Run(w.sentence, func(t *testing.T) {
				s := &snare{operator: newOperator(t, f), c: c, r: residents[i], p: plans[w.name]}
				from, to := w.wait(t, s)
				if !from.Before(to) {
					t.Fatalf("it waited from %s to %s", from, to)
				}
				verbs, took := map[string]int{}, to.Sub(from)
				all := s.sent.between(from, to)
				for _, r := range all {
					verbs[kindOf(r)]++
				}
				t.Logf("waited %s: %d requests, %.2f a second: %v", took.Round(time.Second), len(all), float64(len(all))/took.Seconds(), verbs)
				if float64(len(all)) >= took.Seconds() {
					t.Errorf("%d requests in %s; want less than one a second", len(all), took)
				}
			})
			return nil
		})
	}
	_ = some.Wait() //nolint:errcheck // nothing fails but tests
}

// waited is how long each wait lasts at least.
const waited = 30 * time.Second

// kindOf names a request in a word or two.
func kindOf(r request) string {
	part := r.Path[strings.LastIndex(r.Path, "/")+1:]
	switch {
	case r.Watch:
		return "watch " + part
	case r.DryRun:
		return "dry run"
	}
	return r.Method + " " + part
}

// waitForRollout pauses the Deployment before its first rollout, as a person may.
func waitForRollout(t *testing.T, s *snare) (from, to time.Time) {
	_ = s.run(t, s.gates(), func(o *cutover.Options) {
		o.Patience = waited
		o.OnEvent = func(e cutover.Event) {
			switch {
			case e.Type == cutover.EventState && e.State == cutover.Annotated && from.IsZero():
				s.pause(t, true)
			case e.Type == cutover.EventState && e.State == cutover.Held && from.IsZero():
				from = e.Time.Add(time.Second) // when its watches have begun
			}
			to = e.Time
		}
	})
	if to.Sub(from) < waited/2 { // it was told to wait, and comes back held
		to = time.Now()
	}
	return from, to
}

// waitForLoad waits where no load comes and none may be induced, and looks three times as often as by default.
func waitForLoad(t *testing.T, s *snare) (from, to time.Time) {
	g := s.gates()
	load := cutover.Load(&cutover.LoadOptions{Window: time.Second, Deadline: waited, LookEvery: 10 * time.Second, InduceAfter: time.Hour})
	g.Load = func(ctx context.Context, target cutover.Target) cutover.Verdict {
		from = time.Now()
		defer func() { to = time.Now() }()
		return load(ctx, target)
	}
	want(t, s.run(t, g), cutover.Held, "")
	return from, to
}

// waitForSoak moves the unit all the way, and tells how long it took beside its rollouts and windows.
func waitForSoak(t *testing.T, s *snare) (from, to time.Time) {
	w := &stopwatch{spent: map[string]time.Duration{}}
	began := time.Now()
	want(t, s.run(t, w.around(s.gates()), func(o *cutover.Options) {
		o.SoakEvery = 10 * time.Second
		o.OnEvent = func(e cutover.Event) {
			w.event(e)
			switch {
			case e.Type == cutover.EventStep && e.Step == string(cutover.StepSoak):
				from = e.Time
			case e.Type == cutover.EventState && e.State == cutover.Soaked && to.IsZero():
				to = e.Time
			}
		}
	}), cutover.Done, "")
	total := time.Since(began)
	waits := w.spent["rollouts"] + w.spent["windows"] + to.Sub(from)
	t.Logf("a unit of its own took %s: %s of rollouts, %s of windows, %s of soak; all else took %s, of which %s were gates before the first rollout",
		total.Round(time.Millisecond), w.spent["rollouts"].Round(time.Millisecond), w.spent["windows"].Round(time.Millisecond), to.Sub(from).Round(time.Millisecond),
		(total - waits).Round(time.Millisecond), w.spent["before"].Round(time.Millisecond))
	t.Logf("beside default windows of 10 and 5 minutes that is %.1f %%, beside a day's soak %.2f %%",
		100*float64(total-waits)/float64(15*time.Minute+w.spent["rollouts"]), 100*float64(total-waits)/float64(24*time.Hour))
	return from, to
}

// stopwatch tells what a unit's time is spent on.
type stopwatch struct {
	mu    sync.Mutex
	spent map[string]time.Duration
	step  time.Time
}

func (w *stopwatch) event(e cutover.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Type == cutover.EventStep {
		w.step = e.Time
	}
}

// around measures gates, and what lies between a step's beginning and its gate where that is a rollout.
func (w *stopwatch) around(g cutover.Gates) cutover.Gates {
	measure := func(gate cutover.Gate, as string, rollout bool) cutover.Gate {
		return func(ctx context.Context, t cutover.Target) cutover.Verdict {
			at := time.Now()
			v := gate(ctx, t)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.spent[as] += time.Since(at)
			if rollout {
				w.spent["rollouts"] += at.Sub(w.step)
			}
			return v
		}
	}
	return cutover.Gates{
		Preflight: measure(g.Preflight, "before", false), Trusted: measure(g.Trusted, "before", false), Annotated: measure(g.Annotated, "before", false),
		DualPath: measure(g.DualPath, "checks", true), Load: measure(g.Load, "windows", false), Canary: measure(g.Canary, "windows", true),
		Unbound: measure(g.Unbound, "windows", true), LoadAgain: measure(g.LoadAgain, "windows", false), Soak: g.Soak,
	}
}
