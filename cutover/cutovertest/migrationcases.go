package cutovertest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// failedCanary looks at the pods while the rollout is held, and lets the canary fail.
func failedCanary(t *testing.T, w World) { failCanary(t, w, nil) }

// failedEvictions does so where the first pods are evicted.
func failedEvictions(t *testing.T, w World) { failCanary(t, w, &cutover.Options{Evict: true}) }

func failCanary(t *testing.T, w World, o *cutover.Options) {
	before := w.spec(t)
	gates := PassGates()
	asked := 0
	gates.Canary = func(ctx context.Context, target cutover.Target) cutover.Verdict {
		asked++
		unbound, bound := w.pods(ctx, t)
		if want := w.Plan.Limits.CanaryPods; unbound != want || target.Canary != want || bound == 0 {
			t.Errorf("while the rollout is held %d pods are without the old label and %d have it, and %d are to be judged; want %d, the rest, and %d",
				unbound, bound, target.Canary, want, want)
		}
		return cutover.Verdict{Gate: "scripted", Result: cutover.Fail, Reason: "the canary is not well"}
	}
	w.run(t, w.runnerOn(t, NewJournal(), gates, o), cutover.RolledBack, "the canary is not well")
	w.expectBack(t, before)
	if asked != 1 {
		t.Errorf("the canary was judged %d times", asked)
	}
}

// evicted moves a workload whose pods only an eviction replaces.
func evicted(t *testing.T, w World) {
	before := w.spec(t)
	j := NewJournal()
	w.run(t, w.runnerOn(t, j, PassGates(), nil), cutover.Held, "allow evictions")
	budget := cutover.Ref{APIVersion: "policy/v1", Kind: "PodDisruptionBudget", Namespace: w.workload().Namespace, Name: "all"}
	body := fmt.Sprintf(`{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"all","namespace":%q},
		"spec":{"minAvailable":2,"selector":{"matchLabels":{"app":%q}}}}`, budget.Namespace, w.workload().Name)
	if _, err := w.Cluster.Write(t.Context(), cutover.Write{Verb: cutover.Create, Ref: budget, Body: []byte(body)}); err != nil {
		t.Fatal(err)
	}
	count := &evictions{Cluster: w.Cluster}
	w.Cluster = count
	evict := &cutover.Options{Evict: true}
	w.run(t, w.runnerOn(t, j, PassGates(), evict), cutover.Held, "PodDisruptionBudget refuses")
	if _, err := w.Cluster.Write(t.Context(), cutover.Write{Verb: cutover.Delete, Ref: budget}); err != nil {
		t.Fatal(err)
	}
	w.run(t, w.runnerOn(t, j, PassGates(), evict), cutover.Done, "")
	w.expectMoved(t, before)
	if want := 2 * 2; count.made != want { // two pods, two templates
		t.Errorf("%d evictions, want %d", count.made, want)
	}
}

// fought puts the old label back whenever a gate looks at what its removal did.
func fought(t *testing.T, w World) {
	before := w.spec(t)
	gates := PassGates()
	putBack := func(context.Context, cutover.Target) cutover.Verdict {
		w.Edit(t, w.workload(), func(o map[string]any) {
			labels := o["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any)
			labels[podidentity.Label] = w.Plan.Units[0].Workloads[0].Selector
		})
		return cutover.Verdict{Gate: "scripted", Result: cutover.Pass}
	}
	gates.Canary, gates.Unbound = putBack, putBack
	r := w.runner(t, gates)
	w.run(t, r, cutover.Frozen, "was put back twice by")
	w.rollback(t, r)
	w.expectBack(t, before)
}

// induced raises the lower bound of the autoscaler and waits for the pods.
func induced(t *testing.T, w World) {
	before, hpa := w.spec(t), cutover.Ref{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler", Namespace: w.workload().Namespace,
		Name: w.workload().Name}
	bound := func() any { return field(t, w, hpa, "spec", "minReplicas") }
	was := bound()
	gates := PassGates()
	gates.Load = func(ctx context.Context, target cutover.Target) cutover.Verdict {
		if err := target.Induce(ctx, cutover.Induction{Object: hpa, Path: []string{"spec", "minReplicas"}, To: 5, Extra: 2}); err != nil {
			return cutover.Verdict{Gate: "scripted", Result: cutover.Fail, Reason: err.Error()}
		}
		return cutover.Eventually(func(ctx context.Context, target cutover.Target) cutover.Verdict {
			if n := field(t, w, w.workload(), "status", "readyReplicas"); n != int64(5) { //nolint:contextcheck // a test reads under its own context
				return cutover.Verdict{Gate: "scripted", Result: cutover.Inconclusive, Reason: fmt.Sprintf("%v pods are ready", n)}
			}
			return cutover.Verdict{Gate: "scripted", Result: cutover.Pass}
		}, 5*time.Minute, time.Second)(ctx, target)
	}
	w.run(t, w.runner(t, gates), cutover.Done, "")
	if diff := cmp.Diff(was, bound()); diff != "" {
		t.Errorf("the autoscaler's lower bound before (-) and after (+):\n%s", diff)
	}
	before["replicas"] = int64(5) // an autoscaler is slow to scale in
	w.expectMoved(t, before)
}
