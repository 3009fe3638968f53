package cutover_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// Run thousands with: go test ./cutover -run Hostile -hostile.seeds 5000; one with -hostile.first SEED -hostile.seeds 1.
var (
	hostileSeeds = flag.Int("hostile.seeds", 24/stride, "how many hostile migrations to simulate")
	hostileFirst = flag.Uint64("hostile.first", 1, "the first seed")
)

func TestHostileMigrationsKeepEveryPromise(t *testing.T) {
	for i := range *hostileSeeds {
		seed := *hostileFirst + uint64(i)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newHostile(t, seed).migrate() })
		})
	}
}

// hostile is one migration in a hostile world, by a seed.
type hostile struct {
	t       *testing.T
	seed    uint64
	rng     *rand.Rand
	fleet   *cutovertest.Fleet
	plan    *cutover.Plan
	guard   *cutovertest.Guard
	journal *cutovertest.Journal
	faults  *cutovertest.Faults
	inOps   bool            // the journal lies in the clusters
	stuck   map[string]bool // namespaces that cannot come to their end
	back    bool            // a person has rolled it back
	log     []string

	mu        sync.Mutex
	published map[string]uint64 // how often, by path
	takes     map[string]bool   // the patches of the repository, by path: whether it takes the old label away
}

func (h *hostile) chance(percent int) bool { return h.rng.IntN(100) < percent }

func (h *hostile) note(format string, args ...any) {
	h.log = append(h.log, time.Now().UTC().Format(time.TimeOnly)+" "+fmt.Sprintf(format, args...))
}

// migrate lets lives of the runner follow one another, with a person who thaws in between; then the world calms down, and everything
// that can come to its end must.
func (h *hostile) migrate() {
	for life := range 2 + h.rng.IntN(5) {
		rep, err, crashed := h.live(h.rng.IntN(3) > 0)
		h.note("life %d: crashed %v: %v", life, crashed, err)
		if err == nil && !crashed {
			h.guard.Finish(rep)
		}
		h.person()
		time.Sleep(time.Duration(h.rng.Int64N(int64(time.Hour))))
	}
	h.calm()
	var rep *cutover.Report
	for range 8 {
		var err error
		rep, err, _ = h.live(false)
		h.note("calm: %v", err)
		if h.through(rep) {
			break
		}
		h.thaw()
	}
	time.Sleep(10 * time.Minute) // for autoscalers to follow
	h.guard.Secret("the journal", h.journal.Text())
	for _, b := range h.guard.Finish(rep) {
		h.t.Errorf("%v", b)
	}
	if !h.through(rep) {
		for _, u := range rep.Units {
			h.t.Errorf("%s ended %s (%s: %s)", u.ID, u.State, u.Hold, u.Reason)
		}
	}
	if h.t.Failed() {
		if testing.Verbose() {
			h.t.Log(strings.Join(h.log, "\n"))
		}
		h.t.Logf("faults: %v", h.faults.Made())
		h.t.Logf("again: go test ./cutover -run Hostile -hostile.seeds 1 -hostile.first %d", h.seed)
	}
}

// through reports whether every unit is Done that can be.
func (h *hostile) through(rep *cutover.Report) bool {
	for _, u := range rep.Units {
		if u.State != cutover.Done && !h.stuck[h.plan.Unit(u.ID).Namespace] && !h.blockedByStuck(rep) {
			return false
		}
	}
	return true
}

// blockedByStuck reports whether a unit that cannot come to its end freezes the fleet.
func (h *hostile) blockedByStuck(rep *cutover.Report) bool {
	for _, u := range rep.Units {
		if h.stuck[h.plan.Unit(u.ID).Namespace] && u.State != cutover.Done {
			return true
		}
	}
	return false
}

// live is one process. It may die at a write.
func (h *hostile) live(mayDie bool) (*cutover.Report, error, bool) {
	h.t.Helper()
	at := 0
	if mayDie {
		at = 1 + h.rng.IntN(60)
	}
	crash := cutovertest.NewCrash(at, h.chance(50))
	ctx, cancel := context.WithCancel(crash.Context(h.t.Context()))
	defer cancel()
	if mayDie && h.chance(20) {
		stop := time.AfterFunc(time.Duration(h.rng.Int64N(int64(3*time.Hour))), cancel)
		defer stop.Stop()
	}
	r := h.runner(crash)
	rep, err := r.Run(ctx, h.plan)
	h.spent(err)
	_, crashed := crash.Writes()
	return rep, err, crashed
}

// spent notes the units that a rollback has taken back from the end: what it made again is not what the plan was made for.
func (h *hostile) spent(err error) {
	for _, u := range h.plan.Units {
		if errors.Is(err, cutover.ErrPlanChanged) && strings.Contains(err.Error(), u.ID+": the plan is stale") && h.back {
			h.stuck[u.Namespace] = true
		}
	}
}

func (h *hostile) runner(crash *cutovertest.Crash) *cutover.Runner {
	clusters := crash.Clusters(h.faults.Clusters(h.fleet.Clusters()))
	journal := crash.Journal(h.faults.Journal(h.journal))
	if h.inOps {
		var err error
		if journal, err = cutover.NewConfigMapJournal(clusters, "ops"); err != nil {
			h.t.Fatal(err)
		}
	}
	r, err := cutover.NewRunner(clusters, journal, h.guard.Gates(realGates(nil)), &cutover.Options{
		Trust: h.fleet, Exchanger: h.faults.Exchanger(h.fleet), Oracle: h.faults.Oracle(h.fleet),
		Patience: 2 * time.Hour, Evict: true, Publish: h.publish, OnEvent: func(e cutover.Event) {
			h.note("%s %s %s %s %s", e.Unit, e.Type, e.Step, e.State, e.Message)
			h.guard.Event(e)
		},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// person looks at what is frozen, and at times has it tried again, or put back first.
func (h *hostile) person() {
	switch {
	case h.chance(50):
		h.thaw()
	case h.chance(15):
		r := h.runner(cutovertest.NewCrash(0, false))
		h.thawed() // a rollback, too, fences objects before it says that it is one
		_, err := r.Rollback(h.t.Context(), h.plan)
		h.back = true
		h.note("rolled back: %v", err)
		h.thaw()
	}
}

// thaw tells the guard before the call, since a thaw fences objects before it says that it is one, and after it, for one that was not heard of.
func (h *hostile) thaw() {
	h.thawed()
	r := h.runner(cutovertest.NewCrash(0, false))
	_, err := r.Thaw(h.t.Context(), h.plan)
	h.note("thawed: %v", err)
	h.thawed()
}

func (h *hostile) thawed() {
	for _, u := range h.plan.Units {
		h.guard.Thawed(u.ID)
	}
}
