package cutovertest

import (
	"context"
	"testing"

	"github.com/wimigrate/wimigrate/cutover"
)

// canarySteps are a weight of a half and a pause: for a time, or until somebody promotes the Rollout.
func canarySteps(pause map[string]any) []any {
	return []any{map[string]any{"setWeight": int64(50)}, map[string]any{"pause": pause}}
}

// byItsSteps moves an Argo Rollout there and back, and looks that every template went through its steps.
func byItsSteps(t *testing.T, w World) {
	ctx, cancel := context.WithCancel(t.Context())
	seen, ended := map[string]bool{}, make(chan struct{})
	go func() {
		defer close(ended)
		r := w.running()
		sel := cutover.Selection{APIVersion: r.APIVersion, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
		_ = w.Cluster.Watch(ctx, []cutover.Selection{sel}, func(e cutover.WatchEvent) bool { //nolint:errcheck // it ends with its context
			if e.Object != nil {
				w.sawStep(t, e.Object.Object, seen)
			}
			return true
		})
	}()
	thereAndBack(t, w)
	cancel()
	<-ended
	if len(seen) != 3 { // with both paths, with the new one alone, and the one before
		t.Errorf("%d templates, want 3", len(seen))
	}
	for hash, paused := range seen {
		if !paused {
			t.Errorf("the rollout to %s did not pause with one half of the pods", hash)
		}
	}
}

// running is the Argo Rollout: the workload, or the one that borrows its template.
func (w World) running() cutover.Ref {
	if b := w.Plan.Units[0].Workloads[0].Borrower; b != nil {
		return *b
	}
	return w.workload()
}

// sawStep notes which template the Rollout is at, and whether it was seen to pause with a half.
func (w World) sawStep(t *testing.T, object map[string]any, seen map[string]bool) {
	status := child(object, "status")
	hash, _ := status["currentPodHash"].(string)
	if hash == "" {
		return
	}
	half := status["phase"] == "Paused" && integer(status["updatedReplicas"], 0)*2 == integer(child(object, "spec")["replicas"], 0)
	seen[hash] = seen[hash] || half
	if status["promoteFull"] == true {
		t.Error("somebody asked for a full promotion")
	}
}

// promoted is held at the pause of each rollout until somebody promotes it.
func promoted(t *testing.T, w World) {
	before := w.spec(t)
	r := w.runner(t, PassGates())
	for range 2 {
		w.run(t, r, cutover.Held, "paused at one of its own steps; promote it")
		w.EditStatus(t, w.workload(), func(status map[string]any) { delete(status, "pauseConditions") })
	}
	w.run(t, r, cutover.Done, "")
	w.expectMoved(t, before)
}

// aborted is held at the pause of its first rollout, which somebody aborts: it fails, and everything is put back.
func aborted(t *testing.T, w World) {
	before := w.spec(t)
	r := w.runner(t, PassGates())
	w.run(t, r, cutover.Held, "paused at one of its own steps; promote it")
	w.EditStatus(t, w.workload(), func(status map[string]any) { status["abort"] = true })
	w.run(t, r, cutover.RolledBack, "the Rollout is degraded")
	w.expectBack(t, before)
	if phase := field(t, w, w.workload(), "status", "phase"); phase != "Healthy" {
		t.Errorf("the Rollout is %v in the end", phase)
	}
}
