package cutovertest

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// syncDeployment is one look of the Deployment controller.
func (w *workload) syncDeployment() {
	now := w.current("ReplicaSet")
	now.minReady = w.spec(0, "minReadySeconds")
	want := w.spec(1, "replicas")
	if paused := child(w.o.data, "spec")["paused"] == true; !paused {
		w.roll(now, want, want)
	}
	w.replicas = want
	w.deploymentStatus(now, want, nil)
}

// roll moves pods from old revisions to a newer one within the strategy's bounds, until that one has so many of all that are wanted.
func (w *workload) roll(now *revision, want, share int) {
	old := 0
	for _, p := range w.pods {
		if p.hash != now.hash {
			old++
		}
	}
	if old == 0 && share == want {
		w.resize(now, want)
		return
	}
	if child(w.o.data, "spec", "strategy")["type"] == "Recreate" {
		for _, p := range w.of(func(h string) bool { return h != now.hash }) {
			p.end()
		}
		w.changed()
		return
	}
	surge, unavailable := w.bounds(want)
	fresh, _, _ := w.count(now.hash)
	if w.replicas >= 0 && want > w.replicas && fresh > 0 && fresh < want {
		// A scale-out during a rollout goes to the largest ReplicaSet, and that is an old one while the rollout is held.
		if biggest := w.biggestOld(now); biggest != nil && old >= fresh {
			n, _, _ := w.count(biggest.hash)
			w.resize(biggest, n+want-w.replicas)
		}
	}
	if room := want + surge - len(w.pods); room > 0 && fresh < share {
		w.resize(now, min(share, fresh+room))
	}
	_, _, available := w.count("")
	fresh, _, freshAvailable := w.count(now.hash)
	may := min(available-(want-unavailable), old-(want-share))
	clean := len(w.pods) - (want - unavailable) - (fresh - freshAvailable) // old pods that are not available go first
	for _, p := range w.of(func(h string) bool { return h != now.hash }) {
		if !w.availablePod(p) {
			if clean--; clean >= 0 {
				p.end()
			}
		} else if may > 0 {
			may--
			p.end()
		}
	}
}

func (w *workload) biggestOld(now *revision) *revision {
	var best *revision
	most := 0
	for _, r := range w.sets {
		if n, _, _ := w.count(r.hash); r != now && n > most {
			best, most = r, n
		}
	}
	return best
}

// of returns pods by revision, youngest first.
func (w *workload) of(keep func(hash string) bool) []*pod {
	var out []*pod
	for _, p := range slices.Backward(w.pods) {
		if keep(p.hash) {
			out = append(out, p)
		}
	}
	return out
}

// resize makes or ends pods of one revision.
func (w *workload) resize(r *revision, want int) {
	have := w.of(func(h string) bool { return h == r.hash })
	for n := len(have); n < want; n++ {
		if !w.bear(r, "") {
			return
		}
	}
	for i := 0; i < len(have)-want; i++ {
		have[i].end()
	}
}

func (w *workload) bounds(want int) (surge, unavailable int) {
	kind := "rollingUpdate"
	if w.kind() == "Rollout" {
		kind = "canary"
	}
	r, _ := child(w.o.data, "spec", "strategy")[kind].(map[string]any)
	surge, unavailable = portion(r["maxSurge"], want, true), portion(r["maxUnavailable"], want, false)
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge, unavailable
}

// portion reads a number or a percentage; 25% where there is none.
func portion(v any, of int, up bool) int {
	s, ok := v.(string)
	if v == nil {
		s, ok = "25%", true
	}
	if !ok {
		return integer(v, 0)
	}
	n, err := strconv.Atoi(strings.TrimSuffix(s, "%"))
	if err != nil {
		return 1
	}
	if up {
		return (n*of + 99) / 100
	}
	return n * of / 100
}

// sized writes how many pods each ReplicaSet wants.
func (w *workload) sized() {
	for _, r := range w.sets {
		n, _, _ := w.count(r.hash)
		spec := child(r.o.data, "spec")
		if have, ok := spec["replicas"]; !ok || integer(have, 0) != n {
			spec["replicas"] = int64(n)
			w.c.put(r.o)
		}
	}
}

// deploymentStatus writes the status; argo is what more Argo Rollouts keeps in it.
func (w *workload) deploymentStatus(now *revision, want int, argo map[string]any) {
	w.sized()
	all, ready, available := w.count("")
	updated, _, updatedAvailable := w.count(now.hash)
	done := updated == want && all == want && available == want
	old, _ := w.o.data["status"].(map[string]any)
	pausing := argo["pauseConditions"] != nil // of that no deadline counts
	if integer(old["updatedReplicas"], 0) != updated || integer(old["availableReplicas"], 0) != available || done || pausing {
		w.progress = w.c.fleet.now
	}
	deadline := time.Duration(float64(w.spec(600, "progressDeadlineSeconds")) * w.c.fleet.opts.Pace * float64(time.Second))
	reason, status := "NewReplicaSetAvailable", "True"
	if !done {
		reason = "ReplicaSetUpdated"
		if w.c.fleet.now.Sub(w.progress) >= deadline {
			reason, status = "ProgressDeadlineExceeded", "False"
		} else {
			w.lookAgain(time.Duration(w.spec(600, "progressDeadlineSeconds")) * time.Second)
		}
	}
	conditions := []any{map[string]any{"type": "Progressing", "status": status, "reason": reason}}
	if w.refused != nil {
		conditions = append(conditions, map[string]any{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": w.refused.Error()})
	}
	s := map[string]any{
		"observedGeneration": w.o.u().GetGeneration(), "replicas": int64(all), "updatedReplicas": int64(updated),
		"readyReplicas": int64(ready), "availableReplicas": int64(available), "conditions": conditions,
	}
	if w.kind() == "Rollout" {
		w.argoStatus(s, argo, now, updated == want && updatedAvailable == want && all == want, reason)
	}
	w.setStatus(s)
	if wait := w.spec(0, "minReadySeconds"); wait > 0 && available < ready {
		w.lookAgain(time.Duration(wait) * time.Second)
	}
}
