package cutover_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// loaded is a fleet of one unit under a load that never ends: out and in again, every four minutes.
func loaded(t *testing.T) (*cutovertest.Fleet, *cutovertest.Cluster) {
	t.Helper()
	f := cutovertest.New(nil)
	c := f.AddCluster("aks-eastus-01", "eastus", 4)
	c.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
	settle(t)
	var out func(s *cutovertest.Script)
	out = func(s *cutovertest.Script) {
		s.Scale("Deployment", "shop", "web", 9)
		s.Again(2*time.Minute, func(s *cutovertest.Script) {
			s.Scale("Deployment", "shop", "web", 3)
			s.Again(2*time.Minute, out)
		})
	}
	c.After(30*time.Second, out)
	return f, c
}

// bareRollout is how long the workload takes to roll out a new template when nobody but its controller is about.
func bareRollout(t *testing.T) time.Duration {
	t.Helper()
	_, c := oneApp(t, cutovertest.App{})
	begin := time.Now()
	c.Edit("Deployment", "shop", "web", "ci", func(o map[string]any) {
		o["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any)["version"] = "2"
	})
	for {
		o, err := c.Get(t.Context(), cutover.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"})
		if err != nil {
			t.Fatal(err)
		}
		if cutover.Rollout(o, nil).Complete {
			return time.Since(begin)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// phase is what a unit did between two steps.
type phase struct {
	step     string
	begin    time.Time
	took     time.Duration
	requests int
}

// rate is requests a second.
func (p phase) rate() float64 { return float64(p.requests) / p.took.Seconds() }

// phases notes when steps begin, and how many requests there were until the next one.
type phases struct {
	fleet *cutovertest.Fleet
	all   []phase
}

func (p *phases) begin(step string) {
	now, _ := p.fleet.Requests()
	if n := len(p.all) - 1; n >= 0 {
		p.all[n].took = time.Since(p.all[n].begin)
		p.all[n].requests += now
	}
	p.all = append(p.all, phase{step: step, begin: time.Now(), requests: -now})
}

func (p *phases) event(e cutover.Event) {
	if e.Type == cutover.EventStep {
		p.begin(e.Step)
	}
}

func TestAUnitAddsLittleToItsRolloutsSoakAndWindows(t *testing.T) {
	for _, tc := range []struct {
		name string
		soak time.Duration
		most float64 // of what has to be, in percent
	}{
		{name: "with the default soak", soak: 24 * time.Hour, most: 1},
		{name: "with an hour of soak", soak: time.Hour, most: 10},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rollout := bareRollout(t)
				f, _ := loaded(t)
				p := planFor(t, f, &cutover.PlanOptions{Soak: tc.soak})
				j, err := cutover.NewConfigMapJournal(f.Clusters(), "ops")
				if err != nil {
					t.Fatal(err)
				}
				seen := &phases{fleet: f}
				begin := time.Now()
				r := runnerFor(t, f, j, realGates(nil), &cutover.Options{OnEvent: seen.event})
				wantStates(t, mustRun(t, r, p), cutover.Done)
				took := time.Since(begin)
				seen.begin("")

				const load, loadAgain = 10 * time.Minute, 5 * time.Minute // the default windows
				due := 2*rollout + load + loadAgain + tc.soak
				added := took - due
				percent := 100 * added.Seconds() / due.Seconds()
				t.Logf("a rollout takes %s; %s had to be, it took %s: %s more, %.2f %%", rollout, due, took, added, percent)
				if percent > tc.most {
					t.Errorf("%.2f %% more, at most %v are allowed", percent, tc.most)
				}
				for _, x := range seen.all {
					if x.took == 0 {
						continue
					}
					t.Logf("%-24s %10s %5d requests, %.3f a second", x.step, x.took.Round(time.Millisecond), x.requests, x.rate())
					if x.took >= time.Minute && x.rate() >= 1 {
						t.Errorf("in step %s the unit sends %.3f requests a second while it waits; less than 1 is allowed", x.step, x.rate())
					}
				}
			})
		})
	}
}
