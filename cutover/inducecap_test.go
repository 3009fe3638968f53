package cutover_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestWhatAGateMayInduceIsCountedByTheRunner(t *testing.T) {
	t.Parallel()
	type call struct {
		to    int64
		extra int
		want  string // "" for allowed
	}
	for _, tc := range []struct {
		name     string
		pods     int // Limits.InducePods
		replicas int
		path     string // of the HPA, or "replicas" of the Deployment
		calls    []call
	}{
		{"as much as the plan allows", 10, 6, "minReplicas", []call{{16, 10, ""}}},
		{"more than the plan allows", 10, 6, "minReplicas", []call{{17, 11, "11 extra pods; the plan allows 10"}}},
		{"more than the gate says", 10, 6, "minReplicas", []call{{100, 1, "94 extra pods; the plan allows 10"}}},
		{"of a workload itself", 10, 6, "replicas", []call{{17, 1, "11 extra pods; the plan allows 10"}}},
		{"less than the gate says counts as what it says", 10, 6, "minReplicas", []call{{8, 11, "11 extra pods; the plan allows 10"}}},
		{"in two calls", 10, 6, "minReplicas", []call{{14, 8, ""}, {17, 3, "11 extra pods; the plan allows 10"}, {16, 2, ""}}},
		{"twice the replicas, whatever the plan allows", 40, 6, "minReplicas", []call{{19, 13, "13 extra pods of 6 replicas; 12"}, {18, 12, ""}}},
		{"twice the replicas, in two calls", 40, 6, "minReplicas", []call{{16, 10, ""}, {19, 3, "13 extra pods of 6 replicas; 12"}, {18, 2, ""}}},
		{"five of a small workload", 40, 1, "minReplicas", []call{{7, 6, "6 extra pods of 1 replicas; 5"}, {6, 5, ""}}},
		{"fifty, whatever the plan allows", 200, 30, "minReplicas", []call{{81, 51, "51 extra pods; the plan allows 50"}, {80, 50, ""}}},
		{"nothing", 10, 6, "minReplicas", []call{{6, 0, "adds no pod"}, {5, 1, "only raises"}}},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{Replicas: tc.replicas, HPA: tc.path == "minReplicas"})
			p := planFor(t, f, &cutover.PlanOptions{Soak: 10 * time.Minute, Limits: cutover.Limits{InducePods: tc.pods}})
			g := cutovertest.PassGates()
			g.Load = func(ctx context.Context, tg cutover.Target) cutover.Verdict {
				object := cutover.Ref{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler", Namespace: "shop", Name: "web"}
				if tc.path == "replicas" {
					object = cutover.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}
				}
				for _, call := range tc.calls {
					err := tg.Induce(ctx, cutover.Induction{Object: object, Path: []string{"spec", tc.path}, To: call.to, Extra: call.extra})
					switch {
					case call.want == "" && err != nil:
						t.Errorf("to %d: %v", call.to, err)
					case call.want != "" && (err == nil || !strings.Contains(err.Error(), call.want)):
						t.Errorf("to %d: got %v, want …%s…", call.to, err, call.want)
					}
					time.Sleep(5 * time.Minute) // until the autoscaler has acted
				}
				return cutover.Verdict{Gate: "load", Result: cutover.Pass}
			}
			wantStates(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), p), cutover.Done)
			wantNoHarm(t, f)
			kind := "Deployment"
			if tc.path == "minReplicas" {
				kind = "HorizontalPodAutoscaler"
			}
			if n := c.Dump()[kind+"/shop/web"]["spec"].(map[string]any)[tc.path]; n != int64(tc.replicas) {
				t.Errorf("%s is %v in the end, want %d as before", tc.path, n, tc.replicas)
			}
		})
	}
}
