package cutovertest

import "fmt"

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
