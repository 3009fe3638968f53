package e2e_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// fullRun asks for the long versions of the cutover's tests: a dozen namespaces in each cluster and 50,000 tokens, and a crash at every write.
const fullRun = "WIMIGRATE_E2E_FULL"

func full() bool { return os.Getenv(fullRun) != "" }

// The promise: a fleet that scales, in two regions, moves to Workload Identity and loses no token on the way. It is the longest of these
// tests, and tests that run at the same time begin in the order of their files: hence this file's name.
func TestAFleetUnderLoadMovesWithoutOneFailedToken(t *testing.T) {
	inTurn(t, long)
	f := fleet.StartFleet(t, fleet.Spec{Clusters: twoRegions, Rollouts: true, Azure: azure.Options{Propagation: propagation}, RotateTokens: 20 * time.Second})
	residents, tokens := settle(t, f)
	o := newOperator(t, f)
	p := o.plan(t, cutover.PlanOptions{
		Soak: 4 * time.Second, Order: jobFirst(residents), ProbeIdle: probed(residents),
		Limits: cutover.Limits{PerCluster: -1, PerRegion: -1, PerIdentity: -1, Fleet: -1, Bake: -1},
	})
	t.Cleanup(func() { // also of a move that came to no end
		s := tally(f)
		t.Logf("%d pods ran; tokens: %d taken, %d failed, %d wrong", len(f.Reports()), s.taken, s.failed, s.wrong)
		if s.failed > 0 || s.wrong > 0 || s.broken != "" {
			t.Errorf("%d tokens failed, %d were of another identity: %s", s.failed, s.wrong, s.broken)
		}
	})
	before := dumpFleet(t, f)
	stop := startLoad(t, residents)
	j, err := cutover.OpenJournal(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	clock := &switchClock{at: map[string]time.Time{}}
	began := time.Now()
	rep := move(t, o.runner(t, j, o.gates(), clock.told(t)), p)
	took := time.Since(began)
	fleet.Await(t, "enough tokens", func() (bool, error) { return tally(f).taken >= tokens, nil })
	breaths := stop()

	requests := len(o.sent.between(began, began.Add(took)))
	t.Logf("%d units in %d waves moved in %s under %d breaths of load, by %d requests: %.2f a second for each unit", len(rep.Units), len(p.Waves),
		took.Round(time.Second), breaths, requests, float64(requests)/took.Seconds()/float64(len(rep.Units)))
	clock.check(t, f)
	noBindings(t, residents)
	compareFleet(t, f, p, before)
	t.Run("what is left of Pod Identity goes when nothing needs it", func(t *testing.T) { leftovers(t, f, o) })
	t.Run("and where the webhook goes too, that is what is missing", func(t *testing.T) { noWebhook(t, o, f.Clusters[0], residents[0]) })
}

func tally(f *fleet.Fleet) summary { return summarise(f.Reports()) }

// move runs the plan, and runs it again while a unit is held for evidence that the churn has blurred, as its operator would.
func move(t *testing.T, r *cutover.Runner, p *cutover.Plan) *cutover.Report {
	t.Helper()
	for run := 1; ; run++ {
		rep, err := r.Run(t.Context(), p)
		if err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		again := 0
		for _, u := range rep.Units {
			switch u.State {
			case cutover.Done:
			case cutover.Frozen, cutover.RolledBack:
				t.Fatalf("%s is %s: %s", u.ID, u.State, u.Reason)
			default:
				again++
				t.Logf("run %d: %s is %s after %s (%s)", run, u.ID, u.State, u.Reached, u.Reason)
			}
		}
		if again == 0 {
			return rep
		}
		if run == 30 {
			t.Fatal("the fleet does not come to its end")
		}
	}
}
