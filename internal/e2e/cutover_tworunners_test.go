package e2e_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// twoOperators lets a second operator begin while the first is in the middle of the unit, both with their journal in ConfigMaps.
func twoOperators(t *testing.T, s *snare) {
	first, second, calm := s.other(t, s.f, "race"), s.other(t, s.f, "race"), s.other(t, s.f, "calm")
	want(t, calm.run(t, calm.gates()), cutover.Done, "")
	journal := func(s *snare) cutover.Journal {
		j, err := cutover.NewConfigMapJournal(s.clusters, "wimigrate")
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	var both sync.WaitGroup
	var begin sync.Once
	var errs [2]error
	var units [2]cutover.UnitReport
	both.Go(func() {
		units[0], errs[0] = first.tryRun(t, journal(first), first.gates(), func(o *cutover.Options) {
			o.Actor = "first"
			o.OnEvent = func(e cutover.Event) {
				if e.Type == cutover.EventState && e.State == cutover.Labelled {
					begin.Do(func() {
						both.Go(func() {
							units[1], errs[1] = second.tryRun(t, journal(second), second.gates(), func(o *cutover.Options) { o.Actor = "second" })
						})
					})
				}
			}
		})
	})
	both.Wait()
	if !errors.Is(errs[0], cutover.ErrFenced) || errs[1] != nil {
		t.Errorf("the first ended with %v, the second with %v; want the first fenced off", errs[0], errs[1])
	}
	want(t, units[1], cutover.Done, "")
	got, alone := first.changes(&first.sent, &second.sent), calm.changes(&calm.sent)
	if diff := cmp.Diff(alone, got); diff != "" {
		t.Errorf("changes by one operator (-) and by two (+):\n%s", diff)
	}
	t.Logf("%d changes by two operators, as many as by one: %v", len(got), got)
}

// wantStale runs a plan that the world has left behind.
func wantStale(t *testing.T, s *snare) {
	mine := s.other(t, s.f, s.r.Name)
	_, err := mine.tryRun(t, cutovertest.NewJournal(), mine.gates())
	refused(t, err, mine.changes(&mine.sent))
}

func refused(t *testing.T, err error, changes map[string]int) {
	t.Helper()
	var stale *cutover.StaleError
	if !errors.As(err, &stale) || !errors.Is(err, cutover.ErrPlanChanged) {
		t.Errorf("got %v, want a StaleError", err)
	}
	if len(changes) > 0 {
		t.Errorf("written: %v", changes)
	}
	t.Logf("refused: %v", err)
}

// planOfRebuilt runs a plan that was made for another cluster of the same name.
func planOfRebuilt(t *testing.T, f *fleet.Fleet, p *cutover.Plan) {
	t.Helper()
	o := newOperator(t, f)
	began := time.Now()
	_, err := o.runner(t, cutovertest.NewJournal(), o.gates(), func(cutover.Event) {}).Run(t.Context(), p)
	written := map[string]int{}
	for _, r := range o.sent.between(began, time.Now()) {
		if r.changed() {
			written[r.Method+" "+r.Path]++
		}
	}
	refused(t, err, written)
}
