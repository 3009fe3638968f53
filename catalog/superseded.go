package catalog

import (
	"cmp"
	"strings"
)

// superseded reports whether a workload says nothing that its top owner does not say better: revisions and Jobs of history below a
// template that is at hand, and pods that have finished. Running pods always count: they may be older than the template.
func superseded(w, top *Workload) bool {
	switch {
	case w.Kind == "Pod":
		return (w.Phase == "Succeeded" || w.Phase == "Failed") && top != nil
	case top == nil || top == w || !top.templated():
		return false
	case w.Kind == "ReplicaSet":
		return w.Replicas != nil && *w.Replicas == 0 // one that runs has pods of its own template, whatever its owner's says now
	default:
		return w.Kind == "Job" && top.Kind == "CronJob"
	}
}

// templated reports whether the snapshot holds the pod template of the workload, its own or a borrowed one.
func (w *Workload) templated() bool {
	return w.TemplatePath != "" || w.Ref != nil || w.Template.Labels != nil || w.Template.ServiceAccount != ""
}

// borrowed are the Deployments that stand at zero because a Rollout runs their template (spec.workloadRef).
// https://argo-rollouts.readthedocs.io/en/stable/migrating/#reference-deployment-from-rollout
func (e *estate) borrowed() map[*Workload]bool {
	out := map[*Workload]bool{}
	for _, w := range e.workloads {
		if w.Ref == nil {
			continue
		}
		if lent := e.owners.find(w.Namespace, *w.Ref); lent != nil && lent.Replicas != nil && *lent.Replicas == 0 {
			out[lent] = true
		}
	}
	return out
}

// activeReplicaSets are the owners, by name, of which some ReplicaSet runs.
func (e *estate) activeReplicaSets() map[appKey]bool {
	out := map[appKey]bool{}
	for _, w := range e.workloads {
		if w.Kind == "ReplicaSet" && w.Owner != nil && (w.Replicas == nil || *w.Replicas > 0) {
			ref, _ := e.owners.top(w)
			out[appKey{w.Namespace, ref}] = true
		}
	}
	return out
}

// idleRevision reports whether w is an old ReplicaSet of an owner that is not at hand and runs another one.
func idleRevision(w *Workload, ref WorkloadRef, active map[appKey]bool) bool {
	return w.Kind == "ReplicaSet" && w.Owner != nil && w.Replicas != nil && *w.Replicas == 0 && active[appKey{w.Namespace, ref}]
}

func compareRefs(a, b WorkloadRef) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name), strings.Compare(a.APIVersion, b.APIVersion))
}
