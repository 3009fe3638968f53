package cutover_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// retreating rolls a unit back whose webhook is down, in a process that dies at its n-th write and in others after it.
func retreating(t *testing.T, n int, before bool) (writes int, dump map[string]map[string]any, tally cutovertest.Tally) {
	t.Helper()
	f, c, p := soaking(t, catalog.ModeStandard, cutovertest.App{Replicas: 4})
	j := cutovertest.NewJournal()
	soakUntilTheWebhookFails(t, f, c, p, j)
	writes = lives(t, 3, n, before, func(ctx context.Context, _ int, crash *cutovertest.Crash) error {
		r, err := cutover.NewRunner(crash.Clusters(f.Clusters()), crash.Journal(j), cutovertest.PassGates(), nil)
		if err != nil {
			t.Fatal(err)
		}
		rep, err := r.Rollback(ctx, p)
		if _, crashed := crash.Writes(); !crashed && err == nil {
			wantStates(t, rep, cutover.RolledBack)
		}
		return err
	})
	return writes, quiesced(c), f.Tally()
}

func TestACrashAtAnyWriteOfARetreatChangesNothingInTheEnd(t *testing.T) {
	t.Parallel()
	writes := 0
	var want map[string]map[string]any
	synctest.Test(t, func(t *testing.T) {
		writes, want, _ = retreating(t, 0, false)
	})
	crashAtEach(t, writes, want, func(t *testing.T, n int, before bool) map[string]map[string]any {
		_, got, tally := retreating(t, n, before)
		if tally.Failed+tally.Wrong != 0 || tally.ReplicaSets > 2 {
			t.Errorf("tally %+v", tally)
		}
		return got
	})
}
