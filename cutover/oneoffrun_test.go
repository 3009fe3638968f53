package cutover_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// oneOffs are the Jobs that a run made, and not the schedule.
func (w *witness) oneOffs() []map[string]any {
	var out []map[string]any
	for _, j := range w.made() {
		if a, _ := j["metadata"].(map[string]any)["annotations"].(map[string]any); a["cronjob.kubernetes.io/instantiate"] == "manual" {
			out = append(out, j)
		}
	}
	return out
}

func TestACronJobIsRunOnceMoreWhereThePlanApproves(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		app   cutovertest.App
		setup func(c *cutovertest.Cluster)
		runs  int // one-off runs
		left  bool
	}{
		{name: "one that does not run by itself in time, once for each gate", app: cutovertest.App{Schedule: "0 * * * *"}, runs: 4},
		{name: "a suspended one too", setup: suspendCron, runs: 4},
		{name: "not one whose schedule brings a run within the gate's patience", app: cutovertest.App{Schedule: "*/5 * * * *"}, runs: 0},
		{name: "one with a time to live is left to it", setup: func(c *cutovertest.Cluster) {
			suspendCron(c)
			c.Edit("CronJob", "shop", "web", "kubectl", func(o map[string]any) {
				o["spec"].(map[string]any)["jobTemplate"].(map[string]any)["spec"].(map[string]any)["ttlSecondsAfterFinished"] = int64(86400)
			})
		}, runs: 4, left: true},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			tc.app.Kind = "CronJob"
			f, c := oneApp(t, tc.app)
			if tc.setup != nil {
				tc.setup(c)
			}
			seen := watchOver(t, c, "CronJob")
			p := planFor(t, f, &cutover.PlanOptions{ProbeIdle: approve, Soak: -1})
			j := cutovertest.NewJournal()
			rep := mustRun(t, runnerFor(t, f, j, realGates(nil), &cutover.Options{Patience: 2 * time.Hour}), p)
			wantStates(t, rep, cutover.Done)
			if n := len(seen.oneOffs()); n != tc.runs {
				t.Errorf("%d one-off runs, want %d", n, tc.runs)
			}
			if tc.runs > 0 {
				wantProbed(t, rep, "one-off run", "dualPath/CronJob/web", "load", "unbound/CronJob/web", "loadAgain")
			}
			left := 0
			for name := range c.Dump() {
				if strings.HasPrefix(name, "Job/shop/web-probe-") {
					left++
				}
			}
			if (left > 0) != tc.left {
				t.Errorf("%d one-off Jobs are left", left)
			}
			if tally := f.Tally(); tally.Failed+tally.Wrong != 0 || tally.NewPath == 0 {
				t.Errorf("tokens: %+v", tally)
			}
		})
	}
	bubble(t, "the Job is the one that kubectl create job --from makes", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Kind: "CronJob"})
		suspendCron(c)
		c.Edit("CronJob", "shop", "web", "kubectl", func(o map[string]any) {
			o["spec"].(map[string]any)["jobTemplate"].(map[string]any)["metadata"] = map[string]any{"labels": map[string]any{"team": "shop"}}
		})
		seen := watchOver(t, c, "CronJob")
		p := planFor(t, f, &cutover.PlanOptions{ProbeIdle: approve, Soak: -1})
		wantStates(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), realGates(nil), &cutover.Options{Patience: time.Hour}), p), cutover.Done)
		meta := seen.oneOffs()[0]["metadata"].(map[string]any)
		owner := meta["ownerReferences"].([]any)[0].(map[string]any)
		cron, err := c.Get(t.Context(), cutover.Ref{APIVersion: "batch/v1", Kind: "CronJob", Namespace: "shop", Name: "web"})
		if err != nil {
			t.Fatal(err)
		}
		if owner["kind"] != "CronJob" || owner["uid"] != string(cron.GetUID()) || owner["controller"] != true || owner["blockOwnerDeletion"] != nil ||
			meta["labels"].(map[string]any)["team"] != "shop" {
			t.Errorf("metadata %v", meta)
		}
	})
	bubble(t, "not while a run is under way that its concurrencyPolicy protects", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Kind: "CronJob"})
		suspendCron(c)
		c.Edit("CronJob", "shop", "web", "kubectl", func(o map[string]any) {
			o["spec"].(map[string]any)["concurrencyPolicy"] = "Forbid"
			o["status"] = map[string]any{"active": []any{map[string]any{"kind": "Job", "name": "web-1"}}}
		})
		seen := watchOver(t, c, "CronJob")
		p := planFor(t, f, &cutover.PlanOptions{ProbeIdle: approve})
		gates := realGates(func(o *cutover.GateOptions) { o.Load.Deadline = 20 * time.Minute })
		rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), gates, nil), p)
		wantHold(t, rep, cutover.HoldLoad, "")
		if last := rep.Units[0].Verdicts[len(rep.Units[0].Verdicts)-1]; !strings.Contains(said(last.Verdict), "its concurrencyPolicy Forbid forbids another") || len(seen.made()) != 0 {
			t.Errorf("%d Jobs; %s", len(seen.made()), said(last.Verdict))
		}
	})
	bubble(t, "without approval it waits for its schedule", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Kind: "CronJob"})
		suspendCron(c)
		seen := watchOver(t, c, "CronJob")
		rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), realGates(nil), nil), planFor(t, f, nil))
		wantHold(t, rep, cutover.HoldJob, "the CronJob is suspended")
		if len(seen.made()) != 0 {
			t.Errorf("%d Jobs were made", len(seen.made()))
		}
	})
}
