package cutover

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// canaryReady says whether the held rollout of a workload has its k canary pods, ready: or has gone further by itself.
func canaryReady(w *unstructured.Unstructured, others []*unstructured.Unstructured, k int) Progress {
	p := Rollout(w, others)
	if p.Complete || p.Failed != "" {
		return p
	}
	o := w.Object
	if number64(o, "status", "observedGeneration") < w.GetGeneration() {
		return p
	}
	switch w.GetKind() {
	case "Deployment":
		want := min(int64(k), desired(w))
		p.Complete = p.Hold == "" && number64(o, "status", "updatedReplicas") >= want && number64(o, "status", "readyReplicas") >= desired(w)+want
	case "StatefulSet":
		part := number64(o, "spec", "updateStrategy", "rollingUpdate", "partition")
		p.Complete = part > 0 && number64(o, "status", "updatedReplicas") >= desired(w)-part && number64(o, "status", "readyReplicas") == desired(w)
		if !p.Complete {
			p.Hold = "" // the partition is ours: not a reason to hold but to wait
		}
	}
	if p.Evict != "" && podsOfRevision(w, others, p.Revision) >= k {
		p.Complete, p.Evict = true, "" // all pods are ready, or none were named
	}
	if p.Complete {
		p.Hold = ""
	}
	return p
}

// podsOfRevision counts the pods of a workload that stay and were made from a revision of its template.
func podsOfRevision(w *unstructured.Unstructured, others []*unstructured.Unstructured, revision string) int {
	n := 0
	for _, o := range others {
		if o.GetKind() == "Pod" && ownedBy(o, w) && o.GetDeletionTimestamp() == nil && o.GetLabels()[revisionLabel] == revision {
			n++
		}
	}
	return n
}

// condition returns status and reason of a status condition.
func condition(w *unstructured.Unstructured, kind string) (status, reason string) {
	c := conditionOf(w, kind)
	return text(c, "status"), text(c, "reason")
}

// conditionOf returns a status condition; nil for one that is not there.
func conditionOf(w *unstructured.Unstructured, kind string) map[string]any {
	list, _ := lookup(w.Object, []string{"status", "conditions"})
	items, _ := list.([]any)
	for _, it := range items {
		if c, _ := it.(map[string]any); text(c, "type") == kind {
			return c
		}
	}
	return nil
}

// ownedBy reports whether the controller of an object is the workload.
func ownedBy(o, w *unstructured.Unstructured) bool {
	for _, ref := range o.GetOwnerReferences() {
		if ref.UID == w.GetUID() && ref.Controller != nil && *ref.Controller {
			return true
		}
	}
	return false
}

func lookupTrue(object map[string]any, path ...string) bool {
	v, _ := lookup(object, path)
	return v == true
}

// containsAll reports whether the labels got hold every label of want.
func containsAll(got, want any) bool {
	g, _ := got.(map[string]any)
	w, _ := want.(map[string]any)
	for k, v := range w {
		if g[k] != v {
			return false
		}
	}
	return true
}

// sameOldLabel reports whether both carry the old label, or neither: containsAll cannot see that one was taken away.
func sameOldLabel(a, b any) bool {
	x, _ := a.(map[string]any)
	y, _ := b.(map[string]any)
	return x[podidentity.Label] == y[podidentity.Label]
}

// lenderOf finds the object whose template an Argo Rollout runs (spec.workloadRef); nil where that is not among the others.
func lenderOf(w *unstructured.Unstructured, others []*unstructured.Unstructured) *unstructured.Unstructured {
	return find(others, Ref{Kind: text(w.Object, "spec", "workloadRef", "kind"), Namespace: w.GetNamespace(), Name: text(w.Object, "spec", "workloadRef", "name")})
}

// following lists what to watch to follow the rollout of an object of the unit: with the one that lends its template, if it borrows.
func (u *unitRun) following(r Ref) []Selection {
	out := rolloutSelections(r)
	for _, w := range u.unit.Workloads {
		if w.Borrower != nil && w.Borrower.Same(r) {
			out = append(out, Selection{APIVersion: w.APIVersion, Kind: w.Kind, Namespace: w.Namespace, Name: w.Name})
		}
	}
	return out
}

// rolloutSelections lists what to watch to follow the rollout of an object.
func rolloutSelections(r Ref) []Selection {
	out := []Selection{{APIVersion: r.APIVersion, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}}
	switch r.Kind {
	case "StatefulSet":
		out = append(out, Selection{APIVersion: "v1", Kind: "Pod", Namespace: r.Namespace})
	case "DaemonSet":
		out = append(out, Selection{APIVersion: "v1", Kind: "Pod", Namespace: r.Namespace},
			Selection{APIVersion: "apps/v1", Kind: "ControllerRevision", Namespace: r.Namespace})
	case "CronJob":
		out = append(out, Selection{APIVersion: "batch/v1", Kind: "Job", Namespace: r.Namespace})
	}
	return out
}
