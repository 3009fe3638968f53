package cutover

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// orderSlack is how late the rise of spec.replicas may be heard of after the pods that it brought: watches of two kinds have no order.
const orderSlack = 5 * time.Second

// birth is a pod that was born within the window.
type birth struct {
	pod  *corev1.Pod
	seen time.Time
	gone bool
	// environment (V1), exchange (V3) and telemetry (V5) are what was seen of it so far; wasReady stays.
	environment, exchange, telemetry []Evidence
	wasReady                         bool
	took                             time.Duration // from scheduling to when it was Ready first; 0 for unknown
}

// loadTally counts what one workload does within the window.
type loadTally struct {
	w Workload
	// replicas is spec.replicas when last seen, opening when the window opened; -1 before.
	replicas, opening int64
	scaled            int64 // what its HPA says that it scaled to
	lastScale         string
	rises             []rise
	births            []*birth
	// need and nodes are how many pods on how many nodes it takes.
	need, nodes int
	induced     bool
	// probe is what was started for a workload that runs no pod.
	probe *IdleProbe
}

// rise is one scale-out.
type rise struct {
	at time.Time
	by int64
}

// observe takes a new state of the workload, or of the Rollout that borrows its template.
func (y *loadTally) observe(o *unstructured.Unstructured, now time.Time) {
	n := int64(-1)
	if _, ok := lookup(o.Object, []string{"spec", "replicas"}); ok || slices.Contains([]string{"Deployment", "StatefulSet", "Rollout"}, o.GetKind()) {
		n = desired(o)
	}
	if y.opening < 0 {
		y.opening = n
	} else if n > y.replicas {
		y.rises = append(y.rises, rise{now, n - y.replicas})
	}
	y.replicas = n
}

// observeHPA takes a new state of the workload's HPA. It counts for kinds whose own replicas cannot be read.
func (y *loadTally) observeHPA(h *unstructured.Unstructured, now time.Time) {
	at, to := text(h.Object, "status", "lastScaleTime"), number64(h.Object, "status", "desiredReplicas")
	if y.replicas < 0 && y.lastScale != "" && at != y.lastScale && to > y.scaled {
		y.rises = append(y.rises, rise{now, to - y.scaled})
	}
	if at == "" {
		at = "never"
	}
	y.lastScale, y.scaled = at, to
}

// unscaled reports whether nothing says how many pods the workload should have, as with kinds whose pods come by runs, and custom ones that
// scale by means of their own: then each new pod is a scale-out.
func (y *loadTally) unscaled() bool {
	return comesByRuns(y.w.Kind) || y.replicas < 0 && y.lastScale == "" && y.w.Kind != "DaemonSet"
}

// counted are the births that a scale-out brought: those that follow a rise, as many as it rose by.
func (y *loadTally) counted(known map[string]bool) []*birth {
	var out []*birth
	for _, b := range y.births {
		switch {
		case y.unscaled() || y.ofProbe(b):
			out = append(out, b)
		case y.w.Kind == "DaemonSet":
			if b.pod.Spec.NodeName != "" && !known[b.pod.Spec.NodeName] {
				out = append(out, b)
			}
		default:
			if int64(len(out)) < y.room(b.seen) {
				out = append(out, b)
			}
		}
	}
	return out
}

// room is by how much the workload has risen until an instant.
func (y *loadTally) room(at time.Time) int64 {
	n := int64(0)
	for _, r := range y.rises {
		if !r.at.After(at.Add(orderSlack)) {
			n += r.by
		}
	}
	return n
}

// reopen forgets what was seen: the window opens anew.
func (y *loadTally) reopen() {
	y.rises, y.births, y.opening = nil, nil, y.replicas
}

func (y *loadTally) find(uid types.UID) *birth {
	i := slices.IndexFunc(y.births, func(b *birth) bool { return b.pod.UID == uid })
	if i < 0 {
		return nil
	}
	return y.births[i]
}

// ready reports whether a pod is Ready, or has done its work.
func (b *birth) ready() bool {
	if b.pod.Status.Phase == corev1.PodSucceeded {
		return true
	}
	return slices.ContainsFunc(b.pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
