package cutover

import (
	"slices"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// headway tells a rollout that is slow from one that stands still: a hundred pods that come up one by one take hours, and all is well.
type headway struct {
	since time.Time // when it last came further than ever before
	best  reach
	seen  bool
}

// reach is how far a rollout is, by its status.
type reach struct{ step, updated, left, ready int64 }

func newHeadway() *headway { return &headway{since: time.Now()} }

// restart begins a new time, as after an eviction: every pod gets its own.
func (h *headway) restart() { h.since = time.Now() }

// remains is what is left of the time that a rollout may stand still.
func (h *headway) remains(limit time.Duration) time.Duration { return limit - time.Since(h.since) }

// look takes in a status. Only what is further than ever counts: a pod that becomes Ready and crashes, again and again, is no headway. A
// pod more of the new template, or one less of the old, is, and from there on the pods that are Ready are counted anew.
func (h *headway) look(w *unstructured.Unstructured) {
	if w.GetKind() == "CronJob" || !observed(w) {
		return // these numbers are of an earlier template
	}
	now := reachOf(w)
	switch b := &h.best; {
	case !h.seen:
		h.seen, *b = true, now
		return
	case now.step > b.step || now.updated > b.updated || now.left < b.left:
		*b = reach{max(b.step, now.step), max(b.updated, now.updated), min(b.left, now.left), now.ready}
	case now.ready > b.ready:
		b.ready = now.ready
	default:
		return
	}
	h.restart()
}

// observed reports whether the controller has seen the object as it is.
func observed(w *unstructured.Unstructured) bool {
	if w.GetKind() == "Rollout" {
		return text(w.Object, "status", "observedGeneration") == strconv.FormatInt(w.GetGeneration(), 10)
	}
	return number64(w.Object, "status", "observedGeneration") >= w.GetGeneration()
}

func reachOf(w *unstructured.Unstructured) reach {
	n := func(name string) int64 { return number64(w.Object, "status", name) }
	if w.GetKind() == "DaemonSet" {
		return reach{0, n("updatedNumberScheduled"), n("currentNumberScheduled") - n("updatedNumberScheduled"), n("numberAvailable")}
	}
	ready := n("availableReplicas")
	if w.GetKind() == "StatefulSet" {
		ready = n("readyReplicas")
	}
	return reach{n("currentStepIndex"), n("updatedReplicas"), n("replicas") - n("updatedReplicas"), ready}
}

// standstill is how long the rollout of an object may stand still: what its own progressDeadlineSeconds says, not that of a hold of ours,
// and at least minRollout, and as long again as an Argo Rollout pauses by itself.
func (u *unitRun) standstill(live *unstructured.Unstructured) time.Duration {
	if u.r.opts.RolloutTimeout != 0 {
		return u.r.opts.RolloutTimeout
	}
	if live == nil {
		return minRollout
	}
	seconds := number64(live.Object, progressDeadline...)
	for i := range u.rec.Acts {
		for _, f := range stillOurs(u.rec.Acts[i].Hold, live) {
			if u.rec.Acts[i].Ref.UID == string(live.GetUID()) && slices.Equal(f.Path, progressDeadline) {
				own, _ := normal(f.After).(float64)
				seconds = int64(own)
			}
		}
	}
	return max(minRollout, time.Duration(seconds)*time.Second) + argoLongestPause(live)
}

var progressDeadline = []string{"spec", "progressDeadlineSeconds"}
