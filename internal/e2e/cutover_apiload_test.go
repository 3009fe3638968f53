package e2e_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wimigrate/wimigrate/cutover"
)

// A unit that waits leaves the API server alone: it hears through watches, and looks only as often as it was told to.
func TestAUnitThatWaitsCostsTheAPIServerLittle(t *testing.T) {
	inTurn(t, long)
	f := commonFleet(t)
	c := f.Clusters[0]
	waits := []struct {
		name, sentence string
		wait           func(t *testing.T, s *snare) waitSpell
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
	plans := newOperator(t, f, namespacesOf(residents)...).plansByNamespace(t, cutover.PlanOptions{Soak: waited, Limits: cutover.Limits{InducePods: 10}})
	var some errgroup.Group
	for i, w := range waits {
		some.Go(func() error {
			t.Run(w.sentence, func(t *testing.T) {
				s := &snare{operator: newOperator(t, f, w.name), c: c, r: residents[i], p: plans[w.name]}
				spell := w.wait(t, s)
				verbs, all := map[string]int{}, s.sent.between(spell.from, spell.to)
				for _, r := range all {
					verbs[kindOf(r)]++
				}
				took := spell.to.Sub(spell.from)
				if spell.looks > 0 { // at the pace that is the default
					took = time.Duration(spell.looks) * spell.every
				}
				t.Logf("waited %s, looked %d times: %d requests: %v; at the default pace %.2f a second", spell.to.Sub(spell.from).Round(time.Second), spell.looks,
					len(all), verbs, float64(len(all))/took.Seconds())
				if took <= 0 || float64(len(all)) >= took.Seconds() {
					t.Errorf("%d requests in %s; want less than one a second", len(all), took)
				}
			})
			return nil
		})
	}
	_ = some.Wait() //nolint:errcheck // nothing fails but tests
}

// waitSpell is a time in which a unit waited. Where it looked, every is how often it does by default.
type waitSpell struct {
	from, to time.Time
	looks    int
	every    time.Duration
}

// waited is how long each wait lasts at least.
const waited = 15 * time.Second

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
func waitForRollout(t *testing.T, s *snare) (w waitSpell) {
	_ = s.run(t, s.gates(), func(o *cutover.Options) {
		o.Patience = waited
		o.OnEvent = func(e cutover.Event) {
			switch {
			case e.Type == cutover.EventState && e.State == cutover.Annotated && w.from.IsZero():
				s.pause(t, true)
			case e.Type == cutover.EventState && e.State == cutover.Held && w.from.IsZero():
				w.from = e.Time.Add(time.Second) // when its watches have begun
			}
		}
	})
	w.to = time.Now()
	return w
}

// waitForLoad waits where no load comes and none may be induced.
func waitForLoad(t *testing.T, s *snare) (w waitSpell) {
	w.every = 30 * time.Second
	g := s.gates()
	probe := cutover.InjectionProbe(1)
	load := cutover.Load(&cutover.LoadOptions{Window: time.Second, Deadline: waited, LookEvery: 5 * time.Second, InduceAfter: time.Hour,
		Probe: func(ctx context.Context, target cutover.Target) cutover.Verdict {
			w.looks++
			return probe(ctx, target)
		}})
	g.Load = func(ctx context.Context, target cutover.Target) cutover.Verdict {
		w.from = time.Now()
		defer func() { w.to = time.Now() }()
		return load(ctx, target)
	}
	want(t, s.run(t, g), cutover.Held, "")
	return w
}

// waitForSoak moves the unit all the way, and tells how long it took beside its rollouts and windows.
func waitForSoak(t *testing.T, s *snare) (w waitSpell) {
	w.every = 5 * time.Minute
	watch := &stopwatch{spent: map[string]time.Duration{}}
	began := time.Now()
	want(t, s.run(t, watch.around(s.gates()), func(o *cutover.Options) {
		o.SoakEvery = 5 * time.Second
		o.OnEvent = func(e cutover.Event) {
			watch.event(e)
			switch {
			case e.Type == cutover.EventStep && e.Step == string(cutover.StepSoak):
				w.from = e.Time
			case e.Type == cutover.EventVerdict && e.Step == string(cutover.StepSoak):
				w.looks++
			case e.Type == cutover.EventState && e.State == cutover.Soaked && w.to.IsZero():
				w.to = e.Time
			}
			if e.Type == cutover.EventStep || e.Type == cutover.EventState {
				t.Logf("%6.2f s %s %s %s %s", e.Time.Sub(began).Seconds(), e.Type, e.Step, e.State, e.Message)
			}
		}
	}), cutover.Done, "")
	total := time.Since(began)
	rest := total - watch.spent["rollouts"] - watch.spent["windows"] - watch.spent["lowering"] - w.to.Sub(w.from)
	t.Logf("a unit of its own took %s: %v, and %s of soak; all but rollouts, windows with the load that is lowered after them, and soak took %s", total.Round(time.Millisecond), watch.spent,
		w.to.Sub(w.from).Round(time.Millisecond), rest.Round(time.Millisecond))
	t.Logf("that is %.1f %% of its rollouts and the default windows of 10 and 5 minutes, and %.2f %% with a day's soak",
		100*float64(rest)/float64(15*time.Minute+watch.spent["rollouts"]), 100*float64(rest)/float64(24*time.Hour+15*time.Minute))
	return w
}

// stopwatch tells what a unit's time is spent on.
type stopwatch struct {
	mu    sync.Mutex
	spent map[string]time.Duration
	step  time.Time
	gate  time.Time // when the last one ended
}

func (w *stopwatch) event(e cutover.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e.Type {
	case cutover.EventStep:
		w.step = e.Time
	case cutover.EventVerdict: // after what was induced has been lowered again, step by step
		w.spent["lowering"] += e.Time.Sub(w.gate)
	default:
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
			w.gate = time.Now()
			w.spent[as] += w.gate.Sub(at)
			if rollout {
				w.spent["rollouts"] += at.Sub(w.step)
			}
			return v
		}
	}
	return cutover.Gates{
		Preflight: measure(g.Preflight, "before", false), Trusted: measure(g.Trusted, "before", false), Annotated: measure(g.Annotated, "before", false),
		DualPath: measure(g.DualPath, "checks", true), Load: measure(g.Load, "windows", false), Canary: measure(g.Canary, "windows", true),
		Unbound: measure(g.Unbound, "windows", true), LoadAgain: measure(g.LoadAgain, "windows", false), Soak: measure(g.Soak, "soak", false),
	}
}
