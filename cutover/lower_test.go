package cutover_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// lowering runs a unit whose load gate raises minReplicas from 4 to 12, and returns the values that were written and the pauses between.
func lowering(t *testing.T, v cutover.Result, opts cutover.Options, meanwhile func(c *cutovertest.Cluster, n int, stop func())) (values []int64, pauses []time.Duration, end int64) {
	t.Helper()
	f := cutovertest.New(nil)
	c := f.AddCluster("aks-eastus-01", "eastus", 4)
	c.Deploy(cutovertest.App{Namespace: "shop", Name: "web", HPA: true, Replicas: 4})
	settle(t)
	p := planFor(t, f, &cutover.PlanOptions{Limits: cutover.Limits{InducePods: 10}, Soak: 10 * time.Minute})
	now := func() int64 {
		return c.Dump()["HorizontalPodAutoscaler/shop/web"]["spec"].(map[string]any)["minReplicas"].(int64)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last time.Time
	opts.OnEvent = func(e cutover.Event) {
		if e.Type != cutover.EventWrite || e.Step != "load" {
			return
		}
		values, pauses = append(values, now()), append(pauses, e.Time.Sub(last))
		last = e.Time
		if meanwhile != nil {
			meanwhile(c, len(values), cancel)
		}
	}
	g := cutovertest.PassGates()
	g.Load = func(ctx context.Context, t cutover.Target) cutover.Verdict {
		hpa := cutover.Ref{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler", Namespace: "shop", Name: "web"}
		if err := t.Induce(ctx, cutover.Induction{Object: hpa, Path: []string{"spec", "minReplicas"}, To: 12, Extra: 8}); err != nil {
			return cutover.Verdict{Result: cutover.Inconclusive, Reason: err.Error()}
		}
		return cutover.Verdict{Result: v, Reason: "scripted"}
	}
	if _, err := runnerFor(t, f, cutovertest.NewJournal(), g, &opts).Run(ctx, p); err != nil {
		t.Fatal(err)
	}
	return values, pauses, now()
}

func TestInducedLoadGoesDownInSteps(t *testing.T) {
	for _, tc := range []struct {
		name      string
		verdict   cutover.Result
		opts      cutover.Options
		meanwhile func(c *cutovertest.Cluster, n int, stop func())
		want      []int64
		end       int64
		pause     time.Duration
	}{
		{name: "a quarter of it every 15 seconds", verdict: cutover.Pass, want: []int64{12, 10, 8, 6, 4}, end: 4, pause: 15 * time.Second},
		{name: "in the steps and pauses that were asked for", verdict: cutover.Pass, opts: cutover.Options{LowerSteps: 2, LowerPause: time.Minute},
			want: []int64{12, 8, 4}, end: 4, pause: time.Minute},
		{name: "at once where steps are off", verdict: cutover.Pass, opts: cutover.Options{LowerSteps: -1}, want: []int64{12, 4}, end: 4},
		{name: "at once when the gate failed", verdict: cutover.Fail, want: []int64{12, 4}, end: 4},
		{name: "the rest at once when the run is stopped", verdict: cutover.Pass, meanwhile: func(_ *cutovertest.Cluster, n int, stop func()) {
			if n == 2 {
				stop()
			}
		}, want: []int64{12, 10, 4}, end: 4},
		{name: "no further once somebody else has changed the number", verdict: cutover.Pass, meanwhile: func(c *cutovertest.Cluster, n int, _ func()) {
			if n == 2 {
				c.Edit("HorizontalPodAutoscaler", "shop", "web", "kubectl", func(o map[string]any) { o["spec"].(map[string]any)["minReplicas"] = int64(5) })
			}
		}, want: []int64{12, 10, 5}, end: 5}, // the last write takes the breadcrumb away
	} {
		bubble(t, tc.name, func(t *testing.T) {
			values, pauses, end := lowering(t, tc.verdict, tc.opts, tc.meanwhile)
			if diff := cmp.Diff(tc.want, values); diff != "" || end != tc.end {
				t.Errorf("ends at %d, want %d; values (-want +got):\n%s", end, tc.end, diff)
			}
			for _, d := range pauses[min(2, len(pauses)):] {
				if tc.pause > 0 && d != tc.pause {
					t.Errorf("pauses %v, want %s", pauses, tc.pause)
				}
			}
		})
	}
}
