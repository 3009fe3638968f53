package cutover_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// The scale-out comes two minutes into the window; its pods are Ready within seconds.
func TestLoadWaitsUntilNewbornsHaveBeenCalm(t *testing.T) {
	t.Parallel()
	soon := cutover.LoadOptions{Window: 2 * time.Minute, Deadline: 150 * time.Second, LookEvery: time.Second}
	with := func(change func(*cutover.LoadOptions)) cutover.LoadOptions {
		o := soon
		change(&o)
		return o
	}
	for _, tc := range []loadCase{
		{name: "a minute by default", opts: soon, want: cutover.Inconclusive, says: []string{"younger than 1m0s"}},
		{name: "which is enough", opts: with(func(o *cutover.LoadOptions) { o.Deadline = 200 * time.Second }), want: cutover.Pass},
		{name: "less where that is asked for", opts: with(func(o *cutover.LoadOptions) { o.Calm = 5 * time.Second }), want: cutover.Pass},
		{name: "not at all where that is asked for", opts: with(func(o *cutover.LoadOptions) { o.Calm = -1 }), want: cutover.Pass},
		{name: "longer where that is asked for", opts: with(func(o *cutover.LoadOptions) { o.Calm, o.Deadline = 5*time.Minute, 6*time.Minute }),
			want: cutover.Inconclusive, says: []string{"younger than 5m0s"}},
		{name: "a restart in the first minute fails all the same", opts: with(func(o *cutover.LoadOptions) { o.Calm = -1 }),
			change: restartedAfter(50 * time.Second), want: cutover.Fail, says: []string{"app ended after 50s", "in the first minute"}},
		{name: "a later one is somebody else's news", opts: with(func(o *cutover.LoadOptions) { o.Calm = 5 * time.Second }),
			change: restartedAfter(70 * time.Second), want: cutover.Pass},
		{name: "unless more calm is asked for", opts: with(func(o *cutover.LoadOptions) { o.Calm, o.Deadline = 2*time.Minute, time.Hour }),
			change: restartedAfter(70 * time.Second), want: cutover.Fail, says: []string{"app ended after 1m10s", "in the first 2m0s"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.script = scaleTo(9)
			synctest.Test(t, tc.check)
		})
	}
}

// An application that scales out every forty seconds, as in the morning, has a pod younger than Calm at every look. The grown ones decide,
// and a young one still fails the gate if something speaks against it.
func TestLoadPassesWhereAnApplicationNeverStopsScaling(t *testing.T) {
	t.Parallel()
	for _, tc := range []loadCase{
		{name: "by its grown pods", want: cutover.Pass, says: []string{"younger than 1m0s"}},
		{name: "not where a pod fails", change: restartedAfter(10 * time.Second), want: cutover.Fail, says: []string{"app ended after 10s"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.opts = cutover.LoadOptions{Window: 10 * time.Minute, Deadline: 25 * time.Minute}
			tc.script = scaleAllTheTime
			synctest.Test(t, tc.check)
		})
	}
}

func scaleAllTheTime(c *cutovertest.Cluster) {
	n := 3
	var out func(s *cutovertest.Script)
	out = func(s *cutovertest.Script) {
		n++
		s.Scale("Deployment", "shop", "web", n)
		s.Again(40*time.Second, out)
	}
	c.After(20*time.Second, out)
}

// restartedAfter shows the gate pods whose container has been restarted once, after it had run for so long.
func restartedAfter(ran time.Duration) func(*cutover.Target) {
	return func(t *cutover.Target) { t.Cluster = restarting{t.Cluster, ran} }
}

type restarting struct {
	cutover.Reader
	ran time.Duration
}

// Watch implements cutover.Reader.
func (r restarting) Watch(ctx context.Context, sels []cutover.Selection, fn func(cutover.WatchEvent) bool) error {
	return r.Reader.Watch(ctx, sels, func(e cutover.WatchEvent) bool {
		if e.Object != nil && e.Object.GetKind() == "Pod" {
			e.Object = e.Object.DeepCopy()
			began := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
			_ = unstructured.SetNestedSlice(e.Object.Object, []any{map[string]any{"name": "app", "restartCount": int64(1), "lastState": map[string]any{
				"terminated": map[string]any{"exitCode": int64(1), "startedAt": began.Format(time.RFC3339), "finishedAt": began.Add(r.ran).Format(time.RFC3339)}}}},
				"status", "containerStatuses")
		}
		return fn(e)
	})
}
