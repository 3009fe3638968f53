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

func TestALostJournalIsRebuiltFromBreadcrumbs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, p := oneUnit(t)
		g := inducingGates()
		g.LoadAgain = cutovertest.Verdict(cutover.Inconclusive, "later")
		loseAndReturn(t, f, c, p, g)
		if n := f.Tally().ReplicaSets; n != 2 {
			t.Errorf("%d new templates, want 2", n)
		}
	})
}

// loseAndReturn moves a unit as far as the gates let it, throws its journal away, goes on, and rolls it back to what it was.
func loseAndReturn(t *testing.T, f *cutovertest.Fleet, c *cutovertest.Cluster, p *cutover.Plan, g cutover.Gates) {
	t.Helper()
	origin := c.Dump()
	j := cutovertest.NewJournal()
	r := runnerFor(t, f, j, g, nil)
	mustRun(t, r, p)
	j.Lose()
	mustRun(t, r, p)
	wantStates(t, mustRollback(t, r, p), cutover.RolledBack)
	wantDump(t, c, origin)
	wantNoHarm(t, f)
}

// TestALostJournalIsRebuiltWhereverItWasLost kills a process after each of its writes and throws its journal away; another one, without
// a memory, brings the unit to its end.
func TestALostJournalIsRebuiltWhereverItWasLost(t *testing.T) {
	t.Parallel()
	for _, a := range []cutovertest.App{{HPA: true}, {Kind: "DaemonSet"}, {Kind: "StatefulSet", Replicas: 2, HPA: true}} {
		for n, more := 1, true; more; n += stride {
			synctest.Test(t, func(t *testing.T) { more = loseJournalAfter(t, a, n) })
		}
	}
}

// loseJournalAfter reports whether there was an n-th write.
func loseJournalAfter(t *testing.T, a cutovertest.App, n int) bool {
	t.Helper()
	f, _, p := oneSet(t, a)
	g := cutovertest.NewGuard(f, p)
	j := cutovertest.NewJournal()
	gates := g.Gates(inducingGates())
	crash := cutovertest.NewCrash(n, false)
	r, err := cutover.NewRunner(crash.Clusters(f.Clusters()), crash.Journal(j), gates, &cutover.Options{Patience: time.Hour, OnEvent: g.Event})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Run(crash.Context(t.Context()), p)
	_, crashed := crash.Writes()
	if !crashed {
		return false
	}
	if err != nil && !errors.Is(err, cutovertest.ErrCrashed) && !errors.Is(err, context.Canceled) {
		t.Errorf("%s, write %d: %v", a.Kind, n, err)
	}
	j.Lose()
	rep, err := runnerFor(t, f, j, gates, &cutover.Options{Patience: time.Hour, OnEvent: g.Event}).Run(t.Context(), p)
	if err != nil {
		t.Errorf("%s, write %d: without its journal: %v", a.Kind, n, err)
	}
	time.Sleep(10 * time.Minute)
	if u := rep.Units[0]; u.State != cutover.Done {
		t.Errorf("%s, write %d: %s (%s: %s)", a.Kind, n, u.State, u.Hold, u.Reason)
	}
	for _, b := range g.Finish(rep) {
		t.Errorf("%s, write %d: %v", a.Kind, n, b)
	}
	wantNoHarm(t, f)
	return true
}
