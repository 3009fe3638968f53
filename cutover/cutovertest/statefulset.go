package cutovertest

import (
	"fmt"
	"time"
)

// syncStatefulSet is one look of the StatefulSet controller (podManagementPolicy OrderedReady, one pod at a time).
func (w *workload) syncStatefulSet() {
	update := w.current("ControllerRevision")
	want := w.spec(1, "replicas")
	status, _ := w.o.data["status"].(map[string]any)
	current, _ := status["currentRevision"].(string)
	name := func(r *revision) string { return r.hash }
	if current == "" {
		current = name(update)
	}
	before := w.revisionOf(current, update)
	partition := w.spec(0, "updateStrategy", "rollingUpdate", "partition")
	onDelete := child(w.o.data, "spec", "updateStrategy")["type"] == "OnDelete"
	w.stepStatefulSet(update, before, want, partition, onDelete)

	all, ready, available := w.count("")
	updated, _, _ := w.count(update.hash)
	if !onDelete && updated == want && ready == want && all == want {
		current = name(update)
	}
	w.setStatus(map[string]any{
		"observedGeneration": w.o.u().GetGeneration(), "replicas": int64(all), "readyReplicas": int64(ready), "availableReplicas": int64(available),
		"updatedReplicas": int64(updated), "currentRevision": current, "updateRevision": name(update),
	})
}

func (w *workload) revisionOf(hash string, fallback *revision) *revision {
	for _, r := range w.sets {
		if r.hash == hash {
			return r
		}
	}
	return fallback
}

// stepStatefulSet does the one thing that is next: fill the lowest gap, drop what is too many, or replace the highest old pod.
func (w *workload) stepStatefulSet(update, before *revision, want, partition int, onDelete bool) {
	byOrdinal := map[int]*pod{}
	for _, p := range w.pods {
		byOrdinal[p.ordinal] = p
	}
	for i := range want {
		p := byOrdinal[i]
		if p == nil {
			r := update
			if !onDelete && i < partition {
				r = before
			}
			w.ordinals = i
			w.bear(r, fmt.Sprintf("%s-%d", w.o.name(), i))
			return
		}
		if !p.ready {
			return
		}
	}
	for _, p := range w.of(func(string) bool { return true }) {
		if p.ordinal >= want {
			p.end()
			return
		}
	}
	if onDelete {
		return
	}
	for i := want - 1; i >= partition && i >= 0; i-- {
		if p := byOrdinal[i]; p.hash != update.hash {
			p.end()
			return
		}
	}
}

// syncDaemonSet is one look of the DaemonSet controller.
func (w *workload) syncDaemonSet() {
	now := w.current("ControllerRevision")
	has := map[*node]bool{}
	for _, p := range w.pods {
		has[p.node] = true
	}
	want := 0
	for _, n := range w.c.nodes {
		if n.gone {
			continue
		}
		if want++; !has[n] {
			w.bearOn(now, n)
		}
	}
	if child(w.o.data, "spec", "updateStrategy")["type"] != "OnDelete" {
		r, _ := child(w.o.data, "spec", "updateStrategy")["rollingUpdate"].(map[string]any)
		_, _, available := w.count("")
		may := available - (want - max(1, integer(r["maxUnavailable"], 1)))
		for _, p := range w.of(func(h string) bool { return h != now.hash }) {
			// An old pod that does not count as available is replaced at once, whatever maxUnavailable says: so raising minReadySeconds
			// takes down every pod that has not been Ready for so long.
			if !w.availablePod(p) {
				p.end()
			} else if may--; may >= 0 {
				p.end()
			}
		}
	}
	all, ready, available := w.count("")
	updated, _, _ := w.count(now.hash)
	w.setStatus(map[string]any{
		"observedGeneration": w.o.u().GetGeneration(), "desiredNumberScheduled": int64(want), "currentNumberScheduled": int64(all),
		"updatedNumberScheduled": int64(updated), "numberReady": int64(ready), "numberAvailable": int64(available),
	})
	if wait := w.spec(0, "minReadySeconds"); wait > 0 && available < ready {
		w.lookAgain(time.Duration(wait) * time.Second)
	}
}

func (w *workload) availablePod(p *pod) bool {
	wait := time.Duration(float64(w.minReady(p.hash)) * w.c.fleet.opts.Pace * float64(time.Second))
	return p.ready && !p.readyAt.Add(wait).After(w.c.fleet.now)
}
