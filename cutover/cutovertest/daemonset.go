package cutovertest

import "time"

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
		if surge, ok := r["maxSurge"]; ok && portion(surge, want, true) > 0 {
			w.surgeDaemonSet(now, portion(surge, want, true))
		} else {
			w.rollDaemonSet(now, want, r)
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

// rollDaemonSet takes old pods away, those of maxUnavailable nodes at a time.
func (w *workload) rollDaemonSet(now *revision, want int, bounds map[string]any) {
	_, _, available := w.count("")
	may := available - (want - max(1, integer(bounds["maxUnavailable"], 1)))
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

// surgeDaemonSet starts a new pod beside the old one on so many nodes at a time, and takes the old one away when the new one is available.
func (w *workload) surgeDaemonSet(now *revision, surge int) {
	fresh := map[*node]*pod{}
	for _, p := range w.of(func(h string) bool { return h == now.hash }) {
		fresh[p.node] = p
	}
	for _, p := range w.of(func(h string) bool { return h != now.hash }) {
		switch beside := fresh[p.node]; {
		case beside != nil && w.availablePod(beside) || beside == nil && !w.availablePod(p):
			p.end()
		case beside != nil:
			surge--
		case surge > 0:
			surge--
			w.bearOn(now, p.node)
		}
	}
}

func (w *workload) availablePod(p *pod) bool {
	wait := time.Duration(float64(w.minReady(p.hash)) * w.c.fleet.opts.Pace * float64(time.Second))
	return p.ready && !p.readyAt.Add(wait).After(w.c.fleet.now)
}
