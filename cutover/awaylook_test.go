package cutover_test

import (
	"context"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// TestAClusterThatDoesNotAnswerIsWaitedForOnceAndNotForEachOfItsUnits compares, by the bubble's clock, how long calls wait for 12 units without
// records with how long one of them waits for one.
func TestAClusterThatDoesNotAnswerIsWaitedForOnceAndNotForEachOfItsUnits(t *testing.T) {
	bubble(t, "a rollback and a status", func(t *testing.T) {
		f, p := manyUnits(t, 12, nil)
		away := &outage{Cluster: f.Cluster("aks-eastus-01")}
		away.down.Store(true)
		r, err := cutover.NewRunner(map[string]cutover.Cluster{"aks-eastus-01": away}, cutovertest.NewJournal(), cutovertest.PassGates(), nil)
		if err != nil {
			t.Fatal(err)
		}
		took := func(call func(ctx context.Context) (*cutover.Report, error)) (*cutover.Report, time.Duration, error) {
			begin := time.Now()
			rep, err := call(t.Context())
			return rep, time.Since(begin), err
		}
		_, one, err := took(func(ctx context.Context) (*cutover.Report, error) { return r.Rollback(ctx, p, p.Units[0].ID) })
		if err == nil || one == 0 {
			t.Fatalf("the rollback of one unit took %s: %v", one, err)
		}
		rep, all, err := took(func(ctx context.Context) (*cutover.Report, error) { return r.Rollback(ctx, p) })
		if err == nil || all > 2*one {
			t.Errorf("the rollback of all took %s, that of one %s: %v", all, one, err)
		}
		wantHold(t, rep, cutover.HoldUnreachable, "does not answer")
		rep, all, err = took(func(ctx context.Context) (*cutover.Report, error) { return r.Status(ctx, p) })
		if err != nil || all > 2*one {
			t.Errorf("the status of all took %s, the rollback of one %s: %v", all, one, err)
		}
		wantHold(t, rep, cutover.HoldUnreachable, "does not answer")
	})
}
