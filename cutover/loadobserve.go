package cutover

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// loadSight is what a load window sees of a namespace through its watch.
type loadSight struct {
	target  Target
	tallies []*loadTally
	synced  bool
	// before are the pods that were there when the window opened; orphans are newer ones whose ReplicaSet or Job is not known yet.
	before  map[types.UID]bool
	orphans map[types.UID]*birth
	owners  map[types.UID]*loadTally // of ReplicaSets and Jobs, and whatever else stands between
	walks   map[*loadTally]*ownerWalk
	// lost says why what was seen so far does not count; changed, why nothing can count any more.
	lost, changed string
}

func newLoadSight(t Target) *loadSight {
	s := &loadSight{target: t, before: map[types.UID]bool{}, orphans: map[types.UID]*birth{}, owners: map[types.UID]*loadTally{},
		walks: map[*loadTally]*ownerWalk{}}
	for _, w := range t.Workloads {
		s.tallies = append(s.tallies, &loadTally{w: w, replicas: -1, opening: -1})
	}
	return s
}

// scaledRef is the object whose replicas count: the workload, or the Argo Rollout that runs its template.
func scaledRef(w Workload) Ref {
	if w.Borrower != nil {
		return *w.Borrower
	}
	return w.Ref
}

// selections are what a load window watches: one watch for each kind or object.
func (s *loadSight) selections() []Selection {
	ns := s.target.Unit.Namespace
	sels := []Selection{{APIVersion: "v1", Kind: "Pod", Namespace: ns}, {APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler", Namespace: ns}}
	between := map[string]bool{}
	for _, w := range s.target.Workloads {
		r := scaledRef(w)
		sels = append(sels, Selection{APIVersion: r.APIVersion, Kind: r.Kind, Namespace: ns, Name: r.Name})
		between["ReplicaSet"] = between["ReplicaSet"] || hasIntermediate(w, "ReplicaSet")
		between["Job"] = between["Job"] || hasIntermediate(w, "Job")
	}
	if between["ReplicaSet"] {
		sels = append(sels, Selection{APIVersion: "apps/v1", Kind: "ReplicaSet", Namespace: ns})
	}
	if between["Job"] {
		sels = append(sels, Selection{APIVersion: "batch/v1", Kind: "Job", Namespace: ns})
	}
	return sels
}

// observe takes one event of the watch.
func (s *loadSight) observe(e WatchEvent, now time.Time) {
	switch e.Type {
	case Gap:
		s.lost, s.synced = "the watch had a gap, and pods may have been born and have died in it", false
		return
	case Synced:
		s.synced = true
		return
	case Present, Gone:
	}
	switch e.Object.GetKind() {
	case "Pod":
		s.observePod(e, now)
		return
	case "HorizontalPodAutoscaler":
		for _, y := range s.tallies {
			if scales(e.Object, scaledRef(y.w)) {
				y.observeHPA(e.Object, now)
			}
		}
		return
	case "ReplicaSet", "Job":
		if owner := metav1.GetControllerOf(e.Object); owner != nil && e.Type == Present {
			s.adopt(e.Object.GetUID(), owner)
		}
	}
	for _, y := range s.tallies {
		if r := scaledRef(y.w); e.Type == Present && r.Kind == e.Object.GetKind() && r.Name == e.Object.GetName() {
			y.observe(e.Object, now)
		}
	}
}

// adopt notes whose a ReplicaSet or Job is, and gives its pods to the workload.
func (s *loadSight) adopt(uid types.UID, owner *metav1.OwnerReference) {
	for _, y := range s.tallies {
		if isOwner(owner, y.w) {
			s.own(uid, y)
		}
	}
}

// reopen opens the window anew: what is there now was there before.
func (s *loadSight) reopen() {
	for _, y := range s.tallies {
		for _, b := range y.births {
			s.before[b.pod.UID] = true
		}
		y.reopen()
	}
	for uid := range s.orphans {
		s.before[uid] = true
	}
	clear(s.orphans)
	s.lost = ""
}

// scales reports whether an autoscaler scales the object.
func scales(h *unstructured.Unstructured, r Ref) bool {
	return text(h.Object, "spec", "scaleTargetRef", "kind") == r.Kind && text(h.Object, "spec", "scaleTargetRef", "name") == r.Name
}
