package cutover_test

import (
	"cmp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// settle lets a new fleet's pods come up.
func settle(t *testing.T) {
	t.Helper()
	time.Sleep(5 * time.Minute)
}

// wholeDay is the soak of a plan whose options name none.
const wholeDay = 24 * time.Hour

// planFor plans a fleet and wants every unit in it. Units soak for an hour, if the options name no other time: a test to which the whole
// day matters says so.
func planFor(t *testing.T, f *cutovertest.Fleet, opts *cutover.PlanOptions) *cutover.Plan {
	t.Helper()
	var o cutover.PlanOptions
	if opts != nil {
		o = *opts
	}
	o.Soak = cmp.Or(o.Soak, time.Hour)
	p, err := f.Plan(t.Context(), &o)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range p.Blocked {
		t.Fatalf("blocked: %+v", b)
	}
	return p
}

// runnerFor makes a runner over the fleet.
func runnerFor(t *testing.T, f *cutovertest.Fleet, j cutover.Journal, g cutover.Gates, opts *cutover.Options) *cutover.Runner {
	t.Helper()
	o := cutover.Options{Trust: f, Exchanger: f, Oracle: f}
	if opts != nil {
		o = *opts
		o.Trust, o.Exchanger, o.Oracle = f, f, f
	}
	r, err := cutover.NewRunner(f.Clusters(), j, g, &o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantStates(t *testing.T, rep *cutover.Report, want cutover.State) {
	t.Helper()
	for _, u := range rep.Units {
		if u.State != want {
			t.Errorf("%s is %s (%s: %s), want %s", u.ID, u.State, u.Hold, u.Reason, want)
		}
	}
}

func TestRunMovesEveryKindOfWorkloadWithoutOneFailedToken(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet", "CronJob", "Rollout"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := cutovertest.New(nil)
				c := f.AddCluster("aks-eastus-01", "eastus", 4)
				c.Deploy(cutovertest.App{Namespace: "shop", Name: "web", Kind: kind})
				settle(t)
				f.ResetTally()
				p := planFor(t, f, &cutover.PlanOptions{Soak: wholeDay})
				r := runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), &cutover.Options{Patience: time.Hour})
				rep, err := r.Run(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				wantStates(t, rep, cutover.Done)
				tally := f.Tally()
				if tally.Failed != 0 || tally.Wrong != 0 || tally.NewPath == 0 {
					t.Errorf("tally %+v", tally)
				}
			})
		})
	}
}
