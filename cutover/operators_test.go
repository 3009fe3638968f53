package cutover_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// twoOperators lets one operator fall asleep right before its n-th write, another take over meanwhile, and the first wake up. It returns
// how many writes the first has made, so that the caller knows when there are no more to sleep before.
func twoOperators(t *testing.T, n int, takeOver func(ctx context.Context, r *cutover.Runner, p *cutover.Plan) (*cutover.Report, error), want cutover.State) (writes int) {
	t.Helper()
	f, _, p := oneUnit(t)
	g := cutovertest.NewGuard(f, p)
	j := cutovertest.NewJournal()
	stall := cutovertest.NewStall(n, 90*time.Second)
	operator := func(actor string, clusters map[string]cutover.Cluster, j cutover.Journal) *cutover.Runner {
		r, err := cutover.NewRunner(clusters, j, g.Gates(inducingGates()), &cutover.Options{
			Actor: actor, Trust: f, Exchanger: f, Oracle: f, Patience: time.Hour, OnEvent: g.Event,
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	sleeper := operator("sleeper", stall.Clusters(f.Clusters()), stall.Journal(j))
	done := make(chan error, 1)
	go func() {
		_, err := sleeper.Run(t.Context(), p)
		done <- err
	}()
	select {
	case <-stall.Began():
	case <-done:
		return stall.Writes()
	}
	other := operator("other", f.Clusters(), j)
	_, err := takeOver(t.Context(), other, p)
	if err != nil && !errors.Is(err, cutover.ErrFenced) {
		t.Errorf("write %d: the other: %v", n, err)
	}
	if err := <-done; err != nil && !errors.Is(err, cutover.ErrFenced) {
		t.Errorf("write %d: the sleeper: %v", n, err)
	}
	time.Sleep(10 * time.Minute)
	if _, err = takeOver(t.Context(), other, p); err != nil { // what two of them left, one brings to its end
		t.Errorf("write %d: again: %v", n, err)
	}
	time.Sleep(10 * time.Minute)
	rep, err := other.Status(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if u := rep.Units[0]; u.State != want && (want != cutover.RolledBack || u.State != cutover.Planned) { // with nothing to put back it stays planned
		t.Errorf("write %d: %s (%s), want %s", n, u.State, u.Reason, want)
	}
	for _, b := range g.Finish(rep) {
		t.Errorf("write %d: %v", n, b)
	}
	wantNoHarm(t, f)
	return stall.Writes()
}

func TestOneThatSleptActsOnNothing(t *testing.T) {
	for _, tc := range []struct {
		name     string
		takeOver func(ctx context.Context, r *cutover.Runner, p *cutover.Plan) (*cutover.Report, error)
		want     cutover.State
	}{
		{"another goes on", func(ctx context.Context, r *cutover.Runner, p *cutover.Plan) (*cutover.Report, error) {
			return r.Run(ctx, p)
		}, cutover.Done},
		{"another rolls back", func(ctx context.Context, r *cutover.Runner, p *cutover.Plan) (*cutover.Report, error) {
			return r.Rollback(ctx, p)
		}, cutover.RolledBack},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for n, more := 1, true; more; n += stride {
				synctest.Test(t, func(t *testing.T) { more = twoOperators(t, n, tc.takeOver, tc.want) >= n })
			}
		})
	}
}
