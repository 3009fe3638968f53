package cutover_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

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
	for life := range 3 {
		crash := cutovertest.NewCrash(0, false)
		if life == 0 {
			crash = cutovertest.NewCrash(n, before)
		}
		ctx, cancel := context.WithCancel(crash.Context(t.Context()))
		r, err := cutover.NewRunner(crash.Clusters(f.Clusters()), crash.Journal(j), cutovertest.PassGates(), nil)
		if err != nil {
			t.Fatal(err)
		}
		rep, err := r.Rollback(ctx, p)
		cancel()
		w, crashed := crash.Writes()
		if life == 0 {
			writes = w
		}
		if crashed {
			continue
		}
		if err != nil {
			t.Fatalf("life %d: %v", life, err)
		}
		wantStates(t, rep, cutover.RolledBack)
		return writes, quiesced(c), f.Tally()
	}
	t.Fatal("the rollback never came to its end")
	return 0, nil, tally
}

func TestACrashAtAnyWriteOfARetreatChangesNothingInTheEnd(t *testing.T) {
	t.Parallel()
	writes := 0
	var want map[string]map[string]any
	synctest.Test(t, func(t *testing.T) {
		writes, want, _ = retreating(t, 0, false)
	})
	for n := 1; n <= writes; n += stride {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprintf("write %d before=%v", n, before), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					_, got, tally := retreating(t, n, before)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("undisturbed (-) and crashed (+) rollbacks differ:\n%s", diff)
					}
					if tally.Failed+tally.Wrong != 0 || tally.ReplicaSets > 2 {
						t.Errorf("tally %+v", tally)
					}
				})
			})
		}
	}
}
