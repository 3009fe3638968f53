package cutover

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Progress is how far a rollout is, as pure functions see it on observed objects.
type Progress struct {
	// Complete: every pod that counts runs the new template and is available.
	Complete bool
	// Failed says why the rollout cannot complete; empty while it can.
	Failed string
	// Hold and Reason say that it waits for something outside.
	Hold   Hold
	Reason string
	// Evict names a pod that only an eviction moves on (update strategy OnDelete).
	Evict string
	// Revision is the hash that the pods of the new template carry, where the kind has one.
	Revision string
}

// Rollout says how far the rollout of a workload is. Beside the object it takes what the rule of the kind needs: pods and controller
// revisions of its namespace for the update strategy OnDelete, Jobs for a CronJob; nothing else.
func Rollout(w *unstructured.Unstructured, others []*unstructured.Unstructured) Progress {
	if tellsGeneration(w) {
		if seen := number64(w.Object, "status", "observedGeneration"); seen < w.GetGeneration() {
			return Progress{Reason: fmt.Sprintf("its controller has seen generation %d of %d", seen, w.GetGeneration())}
		}
	}
	switch w.GetKind() {
	case "Deployment":
		return deploymentProgress(w)
	case "StatefulSet":
		return statefulSetProgress(w, others)
	case "DaemonSet":
		return daemonSetProgress(w, others)
	case "CronJob":
		return cronJobProgress(w, others)
	case "Rollout":
		return argoProgress(w, others)
	}
	// Kinds without a rule: their controller has seen the change; what their new pods are, the gate must see.
	return Progress{Complete: true}
}

// tellsGeneration reports whether an object's status says which generation its controller has seen. The built-in kinds that roll out do;
// a CronJob does not, a Rollout in a way of its own, and of the others some do, as Knative Services, and some do not, as ScaledJobs.
func tellsGeneration(w *unstructured.Unstructured) bool {
	switch w.GetKind() {
	case "Deployment", "StatefulSet", "DaemonSet":
		return true
	case "Rollout", "CronJob":
		return false
	}
	_, tells := lookup(w.Object, []string{"status", "observedGeneration"})
	return tells
}

func deploymentProgress(w *unstructured.Unstructured) Progress {
	o := w.Object
	want, total := desired(w), number64(o, "status", "replicas")
	updated, available := number64(o, "status", "updatedReplicas"), number64(o, "status", "availableReplicas")
	done := updated == want && total == want && available == want
	if paused, _ := lookup(o, []string{"spec", "paused"}); paused == true && !done {
		return Progress{Hold: HoldPaused, Reason: "the Deployment is paused; whoever paused it must resume it"}
	}
	reason := counts(updated, total, available, want) + replicaFailure(w)
	if status, why := condition(w, "Progressing"); status == "False" && why == "ProgressDeadlineExceeded" && !done {
		return Progress{Failed: "ProgressDeadlineExceeded: " + reason}
	}
	return Progress{Complete: done, Reason: reason}
}

// replicaFailure says why the controller cannot create pods, such as a ResourceQuota that is full; "" while it can.
func replicaFailure(w *unstructured.Unstructured) string {
	c := conditionOf(w, "ReplicaFailure")
	if text(c, "status") != "True" {
		return ""
	}
	return "; ReplicaFailure " + text(c, "reason") + ": " + text(c, "message")
}

func counts(updated, total, available, want int64) string {
	return fmt.Sprintf("%d updated, %d in all, %d available of %d wanted", updated, total, available, want)
}

func statefulSetProgress(w *unstructured.Unstructured, others []*unstructured.Unstructured) Progress {
	o := w.Object
	want, updated, ready := desired(w), number64(o, "status", "updatedReplicas"), number64(o, "status", "readyReplicas")
	current, update := text(o, "status", "currentRevision"), text(o, "status", "updateRevision")
	p := Progress{Revision: update, Reason: counts(updated, number64(o, "status", "replicas"), ready, want)}
	if text(o, "spec", "updateStrategy", "type") == "OnDelete" {
		return onDelete(p, w, others, update, want)
	}
	if part := number64(o, "spec", "updateStrategy", "rollingUpdate", "partition"); part > 0 {
		p.Hold, p.Reason = HoldPaused, fmt.Sprintf("partition is %d: the ordinals below it keep the old template", part)
		return p
	}
	p.Complete = current == update && ready == want && number64(o, "status", "replicas") == want &&
		(updated == want || updated == 0) // once complete, older controllers count no pod as updated
	return p
}

func daemonSetProgress(w *unstructured.Unstructured, others []*unstructured.Unstructured) Progress {
	o := w.Object
	want, updated := number64(o, "status", "desiredNumberScheduled"), number64(o, "status", "updatedNumberScheduled")
	available := number64(o, "status", "numberAvailable")
	p := Progress{Reason: counts(updated, number64(o, "status", "currentNumberScheduled"), available, want), Revision: newestRevision(w, others)}
	if text(o, "spec", "updateStrategy", "type") == "OnDelete" {
		p = onDelete(p, w, others, p.Revision, want)
		p.Complete = p.Complete && updated == want // a watch may show the status before the revision that it counts by
		return p
	}
	p.Complete = updated == want && available == want
	return p
}

// onDelete names the first pod of an older revision, once all pods are ready, so that no two are away at the same time. It counts the
// pods themselves: right after an eviction the status does not know of it yet.
func onDelete(p Progress, w *unstructured.Unstructured, others []*unstructured.Unstructured, revision string, want int64) Progress {
	if revision == "" {
		return p
	}
	old, ready := "", int64(0)
	for _, o := range others {
		if o.GetKind() != "Pod" || !ownedBy(o, w) || o.GetDeletionTimestamp() != nil {
			continue
		}
		if status, _ := condition(o, "Ready"); status == "True" {
			ready++
		}
		if o.GetLabels()[revisionLabel] != revision && (old == "" || comesLater(o.GetName(), old)) {
			old = o.GetName() // the highest ordinal first, as a rolling update would
		}
	}
	switch {
	case ready < want:
		p.Reason = fmt.Sprintf("%d of %d pods are ready", ready, want)
	case old != "":
		p.Evict, p.Reason = old, "pod "+old+" keeps the old template until it is evicted (OnDelete)"
	default:
		p.Complete = true
	}
	return p
}

// comesLater orders the pods of one set: web-10 after web-9, and names without an ordinal as text.
func comesLater(a, b string) bool {
	return cmp.Or(cmp.Compare(ordinalOf(a), ordinalOf(b)), strings.Compare(a, b)) > 0
}

// ordinalOf is the ordinal in the name of a StatefulSet's pod; -1 for a name without one.
func ordinalOf(pod string) int {
	n, err := strconv.Atoi(pod[strings.LastIndexByte(pod, '-')+1:])
	if err != nil {
		return -1
	}
	return n
}

// revisionLabel is on the pods of StatefulSets and DaemonSets.
const revisionLabel = "controller-revision-hash"

// newestRevision returns the hash of the newest ControllerRevision of a DaemonSet.
func newestRevision(w *unstructured.Unstructured, others []*unstructured.Unstructured) string {
	hash, newest := "", int64(-1)
	for _, o := range others {
		if n := number64(o.Object, "revision"); o.GetKind() == "ControllerRevision" && ownedBy(o, w) && n > newest {
			hash, newest = o.GetLabels()[revisionLabel], n
		}
	}
	return hash
}

// cronJobProgress is complete when a Job was made from the template as it is now.
func cronJobProgress(w *unstructured.Unstructured, others []*unstructured.Unstructured) Progress {
	want, _ := lookup(w.Object, []string{"spec", "jobTemplate", "spec", "template", "metadata", "labels"})
	for _, o := range others {
		if o.GetKind() != "Job" || !ownedBy(o, w) {
			continue
		}
		if got, _ := lookup(o.Object, []string{"spec", "template", "metadata", "labels"}); containsAll(got, want) && sameOldLabel(got, want) {
			return Progress{Complete: true}
		}
	}
	if suspended, _ := lookup(w.Object, []string{"spec", "suspend"}); suspended == true {
		return Progress{Hold: HoldJob, Reason: "the CronJob is suspended: nothing can be verified until it runs"}
	}
	return Progress{Hold: HoldJob, Reason: "no Job was made from the new template yet; next by schedule " + text(w.Object, "spec", "schedule")}
}
