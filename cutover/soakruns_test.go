package cutover_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestASoakLastsUntilEveryCronJobHasRun(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		schedule string
		soak     time.Duration
		limit    time.Duration
		want     time.Duration
		ran      []string
	}{
		{"at least the time between two runs", "*/30 * * * *", 10 * time.Minute, 0, 30 * time.Minute, []string{"CronJob/web"}},
		{"at least the soak time of the plan", "*/30 * * * *", 2 * time.Hour, 0, 2 * time.Hour, []string{"CronJob/web"}},
		{"the longest time, where runs are not evenly spread", "0 9 * * 1-5", time.Hour, 0, 72 * time.Hour, []string{"CronJob/web"}},
		{"not for a schedule beyond the plan's limit", "0 9 * * 1-5", 10 * time.Minute, 24 * time.Hour, 10 * time.Minute, nil},
		{"not at all where the plan says so", "*/30 * * * *", 10 * time.Minute, -1, 10 * time.Minute, nil},
		{"and without a soak for none", "*/30 * * * *", -1, 0, 0, nil},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, _ := oneApp(t, cutovertest.App{Kind: "CronJob", Schedule: tc.schedule})
			p := planFor(t, f, &cutover.PlanOptions{Soak: tc.soak, Limits: cutover.Limits{CronSoak: tc.limit}})
			j := cutovertest.NewJournal()
			wantStates(t, mustRun(t, runnerFor(t, f, j, cutovertest.PassGates(), &cutover.Options{Patience: 2 * time.Hour}), p), cutover.Done)
			recs, err := j.List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if recs[0].Soaked != tc.want {
				t.Errorf("soaked for %s, want %s", recs[0].Soaked, tc.want)
			}
			if diff := cmp.Diff(tc.ran, recs[0].Ran); tc.ran != nil && diff != "" {
				t.Errorf("have run (-want +got):\n%s", diff)
			}
		})
	}
	bubble(t, "a CronJob none of whose runs completes holds its unit after the soak", func(t *testing.T) {
		f, _ := oneApp(t, cutovertest.App{Kind: "CronJob", Schedule: "*/30 * * * *", Runs: 10 * time.Hour})
		p := planFor(t, f, &cutover.PlanOptions{Soak: time.Hour})
		r := runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), &cutover.Options{Patience: time.Hour})
		wantHold(t, mustRun(t, r, p), cutover.HoldJob, "no run of CronJob/web has completed on the new path alone")
		time.Sleep(10 * time.Hour)
		wantStates(t, mustRun(t, r, p), cutover.Done)
	})
	bubble(t, "a suspended CronJob is not waited for: it was run once, or the unit would be held", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Kind: "CronJob"})
		suspendCron(c)
		p := planFor(t, f, &cutover.PlanOptions{Soak: time.Hour, ProbeIdle: approve})
		wantStates(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), probing(), &cutover.Options{Patience: time.Hour}), p), cutover.Done)
	})
}

// lossy is a cluster whose watches have a gap each, while it is on.
type lossy struct {
	cutover.Cluster
	on *bool
}

// Watch implements cutover.Reader.
func (g lossy) Watch(ctx context.Context, sels []cutover.Selection, fn func(cutover.WatchEvent) bool) error {
	var there []cutover.WatchEvent
	synced := false
	return g.Cluster.Watch(ctx, sels, func(e cutover.WatchEvent) bool {
		if synced || !*g.on {
			return fn(e)
		}
		if e.Type != cutover.Synced {
			there = append(there, e)
			return fn(e)
		}
		synced = true
		if !fn(e) || !fn(cutover.WatchEvent{Type: cutover.Gap}) {
			return false
		}
		for _, e := range there {
			if !fn(e) {
				return false
			}
		}
		return fn(e)
	})
}

func TestOnlyGapFreeTimeCountsAsSoak(t *testing.T) {
	bubble(t, "a look whose watch had a gap does not count, and three in a row hold the unit", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		on := false
		clusters := map[string]cutover.Cluster{c.Name(): lossy{c, &on}}
		g := cutovertest.PassGates()
		g.LoadAgain = func(context.Context, cutover.Target) cutover.Verdict {
			on = true
			return cutover.Verdict{Result: cutover.Pass}
		}
		j := cutovertest.NewJournal()
		r, err := cutover.NewRunner(clusters, j, g, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := planFor(t, f, &cutover.PlanOptions{Soak: time.Hour})
		wantHold(t, mustRun(t, r, p), cutover.HoldEvidence, "gaps in 3 looks in a row")
		recs, err := j.List(t.Context())
		if err != nil || recs[0].Soaked != 0 {
			t.Errorf("soaked for %s (%v)", recs[0].Soaked, err)
		}
		on = false
		wantStates(t, mustRun(t, r, p), cutover.Done)
	})
}
