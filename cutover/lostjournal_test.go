package cutover_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestALostJournalIsRebuiltFromBreadcrumbs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, p := oneUnit(t)
		origin := c.Dump()
		j := cutovertest.NewJournal()
		g := inducingGates()
		g.LoadAgain = cutovertest.Verdict(cutover.Inconclusive, "later")
		r := runnerFor(t, f, j, g, nil)
		mustRun(t, r, p)
		j.Lose()
		mustRun(t, r, p)
		rep, err := r.Rollback(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		wantStates(t, rep, cutover.RolledBack)
		time.Sleep(10 * time.Minute)
		if diff := cmp.Diff(origin, c.Dump()); diff != "" {
			t.Errorf("before (-) and after the rollback by a rebuilt journal (+):\n%s", diff)
		}
		if n := f.Tally().ReplicaSets; n != 2 {
			t.Errorf("%d new templates, want 2", n)
		}
		wantNoHarm(t, f)
	})
}
