package cutovertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/pause"
)

// conformAwait watches a selection until done says so of the objects by name.
func conformAwait(t *testing.T, c cutover.Cluster, sel cutover.Selection, done func(objs map[string]*unstructured.Unstructured) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), conformWait)
	defer cancel()
	objs, synced := map[string]*unstructured.Unstructured{}, false
	if err := c.Watch(ctx, []cutover.Selection{sel}, func(e cutover.WatchEvent) bool {
		switch e.Type {
		case cutover.Present:
			objs[e.Object.GetName()] = e.Object
		case cutover.Gone:
			delete(objs, e.Object.GetName())
		case cutover.Synced:
			synced = true
		case cutover.Gap:
			clear(objs)
			synced = false
		}
		return !synced || !done(objs)
	}); err != nil {
		t.Fatalf("waiting for %s: %v", sel.Kind, err)
	}
}

// conformCreate creates an object and deletes it when the test ends.
func conformCreate(t *testing.T, c cutover.Cluster, r cutover.Ref, spec string) {
	t.Helper()
	body := fmt.Appendf(nil, `{"apiVersion":%q,"kind":%q,"metadata":{"name":%q,"namespace":%q},"spec":%s}`, r.APIVersion, r.Kind, r.Name, r.Namespace, spec)
	conformWrite(t, c, cutover.Write{Verb: cutover.Create, Ref: r, Body: body}, 0)
	t.Cleanup(func() {
		if _, err := c.Write(context.WithoutCancel(t.Context()), cutover.Write{Verb: cutover.Delete, Ref: r}); err != nil && conformCode(err) != http.StatusNotFound {
			t.Error(err)
		}
	})
}

func testBudget(t *testing.T, c cutover.Cluster) {
	budget := cutover.Ref{APIVersion: "policy/v1", Kind: "PodDisruptionBudget", Namespace: "shop", Name: "web"}
	pods := conformPods(t, c, 3)
	conformCreate(t, c, budget, `{"minAvailable":3,"selector":{"matchLabels":{"app":"web"}}}`)
	allows := func(n int64) {
		t.Helper()
		conformAwait(t, c, cutover.Selection{APIVersion: "policy/v1", Kind: budget.Kind, Namespace: "shop"}, func(objs map[string]*unstructured.Unstructured) bool {
			b := objs["web"]
			if b == nil {
				return false
			}
			seen, _, _ := unstructured.NestedInt64(b.Object, "status", "observedGeneration")
			healthy, _, _ := unstructured.NestedInt64(b.Object, "status", "currentHealthy")
			allowed, _, _ := unstructured.NestedInt64(b.Object, "status", "disruptionsAllowed")
			return seen == b.GetGeneration() && healthy == 3 && allowed == n
		})
	}
	allows(0)
	pod := cutover.Ref{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Name: pods[0]}
	conformWrite(t, c, cutover.Write{Verb: cutover.Evict, Ref: pod}, http.StatusTooManyRequests)
	conformWrite(t, c, cutover.Write{Verb: cutover.Patch, Ref: budget, Body: json.RawMessage(`[{"op":"replace","path":"/spec/minAvailable","value":2}]`)}, 0)
	allows(1)
	conformWrite(t, c, cutover.Write{Verb: cutover.Evict, Ref: pod}, 0)
	conformAwait(t, c, cutover.Selection{APIVersion: "v1", Kind: "Pod", Namespace: "shop"}, func(objs map[string]*unstructured.Unstructured) bool {
		return objs[pod.Name] == nil || objs[pod.Name].GetDeletionTimestamp() != nil
	})
	conformPods(t, c, 3)
}

func testQuota(t *testing.T, c cutover.Cluster) {
	quota := cutover.Ref{APIVersion: "v1", Kind: "ResourceQuota", Namespace: "shop", Name: "pods"}
	pod := cutover.Write{Verb: cutover.Create, Ref: cutover.Ref{APIVersion: "v1", Kind: "Pod", Namespace: "shop"}, Body: json.RawMessage(
		`{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"tried-","namespace":"shop"},"spec":{"serviceAccountName":"web","containers":[{"name":"app","image":"registry.example/web:1"}]}}`)}
	try := func(want int) { // admission hears of a quota a moment after its status tells of it
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), conformWait)
		defer cancel()
		for {
			_, err := c.DryRun(t.Context(), pod)
			if conformCode(err) == want {
				return
			}
			if pause.For(ctx, 50*time.Millisecond) != nil {
				t.Errorf("a dry-run pod: got %v, want %d", err, want)
				return
			}
		}
	}
	conformPods(t, c, 3)
	try(0)
	conformCreate(t, c, quota, `{"hard":{"pods":"3"}}`)
	conformAwait(t, c, cutover.Selection{APIVersion: "v1", Kind: quota.Kind, Namespace: "shop"}, func(objs map[string]*unstructured.Unstructured) bool {
		if objs["pods"] == nil {
			return false
		}
		used, _, _ := unstructured.NestedString(objs["pods"].Object, "status", "used", "pods")
		return used == "3"
	})
	try(http.StatusForbidden)
}

func testScale(t *testing.T, c cutover.Cluster) {
	scale := func(op string, n int, version string, want int) {
		t.Helper()
		conformWrite(t, c, cutover.Write{Verb: cutover.Patch, Ref: conformDeployment, Subresource: "scale", ResourceVersion: version,
			Body: fmt.Appendf(nil, `[{"op":%q,"path":"/spec/replicas","value":%d}]`, op, n)}, want)
	}
	replicas := func(want int64) {
		t.Helper()
		if got, _, _ := unstructured.NestedInt64(conformGet(t, c, conformDeployment).Object, "spec", "replicas"); got != want {
			t.Errorf("%d replicas, want %d", got, want)
		}
	}
	scale("replace", 0, "1", http.StatusConflict)
	replicas(3)
	scale("test", 2, "", http.StatusUnprocessableEntity)
	scale("replace", 0, "", 0)
	conformPods(t, c, 0)
	replicas(0)
	scale("test", 0, "", http.StatusUnprocessableEntity) // a Scale leaves zero out
	for range 20 {                                       // a version is good until the Deployment's controller writes its status
		_, err := c.Write(t.Context(), cutover.Write{Verb: cutover.Patch, Ref: conformDeployment, Subresource: "scale",
			ResourceVersion: conformGet(t, c, conformDeployment).GetResourceVersion(), Body: []byte(`[{"op":"add","path":"/spec/replicas","value":1}]`)})
		if err == nil {
			break
		}
		if conformCode(err) != http.StatusConflict {
			t.Fatal(err)
		}
	}
	replicas(1)
	conformPods(t, c, 1)
	scale("replace", 0, "", 0)
	conformPods(t, c, 0)
}

func testJob(t *testing.T, c cutover.Cluster) {
	job := cutover.Ref{APIVersion: "batch/v1", Kind: "Job", Namespace: "shop", Name: "once"}
	conformCreate(t, c, job, `{"template":{"metadata":{"labels":{"job":"once"}},"spec":{"restartPolicy":"Never","serviceAccountName":"web","containers":[{"name":"app","image":"registry.example/web:1"}]}}}`)
	conformAwait(t, c, cutover.Selection{APIVersion: "v1", Kind: "Pod", Namespace: "shop"}, func(objs map[string]*unstructured.Unstructured) bool {
		return len(objs) > 0
	})
	conformWrite(t, c, cutover.Write{Verb: cutover.Delete, Ref: job}, 0)
	conformAwait(t, c, cutover.Selection{APIVersion: "v1", Kind: "Pod", Namespace: "shop"}, func(objs map[string]*unstructured.Unstructured) bool {
		return len(objs) == 0
	})
}
