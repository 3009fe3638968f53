package doubles_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/load"
)

// step is what a script did, and when.
type step struct {
	action int
	at     time.Duration
}

// played runs a script of five actions in a bubble for a minute.
func played(t *testing.T, s load.Script) (steps []step, taken int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		for i := range 5 {
			s.Actions = append(s.Actions, func(context.Context, *fleet.Cluster) error {
				steps = append(steps, step{i, time.Since(begun)})
				return nil
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var err error
		if taken, err = s.Run(ctx, nil); err != nil {
			t.Error(err)
		}
	})
	return steps, taken
}

func TestAScriptIsPlayedInOrderAndOnce(t *testing.T) {
	steps, taken := played(t, load.Script{Pause: time.Second, Seed: 1})
	if taken != 5 || len(steps) != 5 {
		t.Fatalf("%d actions were counted, %d taken, want 5", taken, len(steps))
	}
	before := time.Duration(0)
	for i, s := range steps {
		if pause := s.at - before; s.action != i || pause < time.Second/2 || pause > 3*time.Second/2 {
			t.Errorf("action %d came as number %d, after a pause of %s", s.action, i, pause)
		}
		before = s.at
	}
}

func TestARandomScriptIsTheSameForTheSameSeed(t *testing.T) {
	random := func(seed uint64) []step {
		steps, taken := played(t, load.Script{Pause: time.Second, Random: true, Seed: seed})
		if len(steps) != taken || taken < 40 { // a minute's worth
			t.Errorf("seed %d: %d actions were counted, %d taken", seed, taken, len(steps))
		}
		return steps
	}
	one, again, other := random(1), random(1), random(2)
	if !slices.Equal(one, again) {
		t.Errorf("the same seed gives\n%v\nand then\n%v", one, again)
	}
	if slices.Equal(one, other) {
		t.Error("another seed gives the same")
	}
	for i := range 5 {
		if !slices.ContainsFunc(one, func(s step) bool { return s.action == i }) {
			t.Errorf("action %d is never taken: %v", i, one)
		}
	}
}

func TestAScriptEndsAtTheFirstActionThatFails(t *testing.T) {
	broken := errors.New("broken")
	fails := func(context.Context, *fleet.Cluster) error { return broken }
	if n, err := (load.Script{Actions: []load.Action{fails, fails}}).Run(t.Context(), nil); n != 0 || !errors.Is(err, broken) {
		t.Errorf("got %d actions and %v, want none and %v", n, err, broken)
	}
	if _, err := (load.Script{}).Run(t.Context(), nil); err == nil {
		t.Error("a script without actions was run")
	}
}
