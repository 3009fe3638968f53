package catalog

import (
	"fmt"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// noteAssigned reports AzureAssignedIdentities that outlived their pod or node, or that MIC never finished.
func (e *estate) noteAssigned(r *reporter, o Options) {
	if len(e.snap.Assigned) == 0 {
		return
	}
	assigned := unique[AssignedIdentity](e.snap.Assigned, podidentity.KindAssigned, &e.invalid)
	pods, nodes := e.livePods(), e.liveNodes()
	now := o.Now
	if now.IsZero() {
		now = newest(assigned)
	}
	for _, a := range assigned {
		var why string
		switch {
		case pods != nil && e.unread.knows(readPods, a.PodNamespace) && !pods[key{a.PodNamespace, a.Pod}]:
			why = fmt.Sprintf("pod %s/%s is gone, or carries no label any more", clip(a.PodNamespace), clip(a.Pod))
		case nodes != nil && !nodes[a.NodeName]:
			why = fmt.Sprintf("node %q is gone", clip(a.NodeName))
		case stuck(a, now, o.StuckAfter):
			why = fmt.Sprintf("MIC has left it in status %s since %s", podidentity.StatusCreated, a.CreatedAt)
		default:
			continue
		}
		r.add(Finding{Code: StaleAssignedIdentity, Namespace: a.Namespace, Object: podidentity.KindAssigned + "/" + a.Name, Message: why,
			Remedy: "MIC should remove it; leave its finalizer alone until MIC has stopped, then delete it"})
	}
}

// livePods are the pods of the snapshot, or nil where pods were no part of what was read. A pod that carries no label any more may
// be left out of a snapshot; its assignment is as stale as that of one that is gone.
func (e *estate) livePods() map[key]bool {
	out := map[key]bool{}
	for _, w := range e.workloads {
		if w.Kind == "Pod" {
			out[w.key()] = true
		}
	}
	if len(out) == 0 && !e.snap.PodsRead {
		return nil
	}
	return out
}

// liveNodes are the nodes of the snapshot, or nil where they were not read or no part of the dump.
func (e *estate) liveNodes() map[string]bool {
	if len(e.snap.Nodes) == 0 || !e.unread.knows(readNodes, "") {
		return nil
	}
	out := make(map[string]bool, len(e.snap.Nodes))
	for i := range e.snap.Nodes {
		out[e.snap.Nodes[i].Name] = true
	}
	return out
}

// newest returns the latest creation, which is never later than the read.
func newest(assigned []*AssignedIdentity) time.Time {
	var out time.Time
	for _, a := range assigned {
		if t, err := time.Parse(time.RFC3339, a.CreatedAt); err == nil && t.After(out) {
			out = t
		}
	}
	return out
}

// stuck reports whether an assignment has been in Created for longer than after. One without a readable time stamp is not judged.
func stuck(a *AssignedIdentity, now time.Time, after time.Duration) bool {
	if a.Status != podidentity.StatusCreated || after < 0 {
		return false
	}
	t, err := time.Parse(time.RFC3339, a.CreatedAt)
	return err == nil && now.Sub(t) > after
}

// noteCollisions computes the names that MIC gives assignments, pod-namespace-identity, and reports those that are given twice. All
// lie in namespace default unless namespaced, so that names of different namespaces meet.
// https://github.com/Azure/aad-pod-identity/issues/1065
func (e *estate) noteCollisions(r *reporter) {
	if e.cluster.PodIdentityMode == ModeManaged {
		return // no MIC, no assignments
	}
	type claim struct{ pod, identity key }
	claimed := map[key]claim{}
	for _, a := range e.apps {
		noteSameName(r, a)
	}
	for _, w := range e.workloads {
		if w.Kind != "Pod" || w.NodeName == "" && w.Phase == "Pending" {
			continue
		}
		for _, m := range e.lookup(w.Namespace, w.Template.Labels[podidentity.Label]).matches {
			if m.identity == nil {
				continue
			}
			name := key{e.assignedTo(m.identity), fold(strings.Join([]string{w.Name, w.Namespace, m.identity.Name}, "-"))}
			mine := claim{w.key(), m.identity.key()}
			first, taken := claimed[name]
			if !taken {
				claimed[name] = mine
			} else if first.pod != mine.pod {
				r.add(Finding{Code: AssignedNameCollision, Namespace: w.Namespace, Object: "Pod/" + w.Name,
					Message: fmt.Sprintf("its assignment of %s and that of pod %s/%s both compute the name %s; only one wins",
						m.identity.Name, first.pod.namespace, first.pod.name, name.name)})
			}
		}
	}
}

// assignedTo returns the namespace that assignments of an identity lie in.
func (e *estate) assignedTo(id *AzureIdentity) string {
	if id.Namespaced || !e.acrossNamespaces() {
		return id.Namespace
	}
	return "default"
}

// noteSameName reports pods that two identities of one name, from two namespaces, reach.
func noteSameName(r *reporter, a *app) {
	for _, u := range a.uses {
		if !u.old() {
			continue
		}
		if t := u.route.twins; t != nil {
			r.add(Finding{Code: AssignedNameCollision, Namespace: a.namespace, Object: a.object(),
				Message: fmt.Sprintf("AzureIdentity %s of %s and of %s compute one assignment name for each of its pods; only the first wins",
					t[0].Name, t[0].Namespace, t[1].Namespace)})
			return
		}
	}
}
