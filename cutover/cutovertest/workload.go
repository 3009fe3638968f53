package cutovertest

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"
)

// controllerDelay is how long a controller takes to react.
const controllerDelay = 100 * time.Millisecond

// workload is what a controller keeps of an object that owns pods.
type workload struct {
	c   *Cluster
	o   *object
	uid string
	app App

	pods     []*pod
	sets     []*revision // oldest first
	pending  bool
	over     bool
	refused  error // why admission refused the last pod
	progress time.Time
	replicas int // wanted when last seen: a difference is a scaling
	ordinals int // of Jobs made by a CronJob
	ends     time.Time
}

// revision is one version of the template: a ReplicaSet, or a ControllerRevision.
type revision struct {
	hash     string
	number   int
	template map[string]any
	o        *object
	minReady int // of a ReplicaSet
}

func (w *workload) kind() string { return w.o.kind() }

// adopt makes the controllers look after an object.
func (c *Cluster) adopt(o *object, app App) {
	w := &workload{c: c, o: o, uid: o.uid(), app: app, progress: c.fleet.now, replicas: -1}
	c.sets[w.uid] = w
	w.changed()
}

// changed lets the controller look soon.
func (w *workload) changed() { w.look(controllerDelay) }

func (w *workload) look(after time.Duration) {
	if w.pending || w.over {
		return
	}
	w.pending = true
	w.c.fleet.after(after, func() {
		w.pending = false
		if !w.over {
			w.sync()
		}
	})
}

// lookAgain looks at a later time too, whatever happens before.
func (w *workload) lookAgain(after time.Duration) { w.c.fleet.after(after, w.changed) }

// end forgets the workload and its pods.
func (w *workload) end() {
	w.over = true
	delete(w.c.sets, w.uid)
	for len(w.pods) > 0 {
		w.pods[0].end()
	}
	for _, r := range w.sets {
		if r.o != nil {
			w.c.drop(r.o)
		}
	}
}

func (w *workload) sync() {
	switch w.kind() {
	case "Deployment":
		w.syncDeployment()
	case "Rollout":
		w.syncRollout()
	case "StatefulSet":
		w.syncStatefulSet()
	case "DaemonSet":
		w.syncDaemonSet()
	case "CronJob", "ScaledJob":
		w.syncCronJob()
	case "Job":
		w.syncJob()
	default:
		w.syncCustom()
	}
}

// spec reads an integer of the object's spec.
func (w *workload) spec(absent int, path ...string) int {
	m := child(w.o.data, "spec")
	for _, key := range path[:len(path)-1] {
		next, ok := m[key].(map[string]any)
		if !ok {
			return absent
		}
		m = next
	}
	return integer(m[path[len(path)-1]], absent)
}

// template is the pod template of the object, or of the one it borrows from.
func (w *workload) template() map[string]any {
	spec := child(w.o.data, "spec")
	if o := w.lender(); o != nil {
		return child(o.data, "spec", "template")
	}
	switch w.kind() {
	case "CronJob":
		return child(spec, "jobTemplate", "spec", "template")
	case "ScaledJob":
		return child(spec, "jobTargetRef", "template")
	}
	return child(spec, "template")
}

// lender is the object whose template a Rollout borrows; nil for none.
func (w *workload) lender() *object {
	ref, ok := child(w.o.data, "spec")["workloadRef"].(map[string]any)
	if !ok {
		return nil
	}
	kind, _ := ref["kind"].(string)
	name, _ := ref["name"].(string)
	return w.c.find(kind, w.o.ns(), name)
}

// borrowersChanged lets Rollouts look that borrow an object's template.
func (c *Cluster) borrowersChanged(o *object) {
	for _, w := range c.workloads() {
		if ref, ok := child(w.o.data, "spec")["workloadRef"].(map[string]any); ok && ref["name"] == o.name() && w.o.ns() == o.ns() {
			w.changed()
		}
	}
}

// current is the revision of the template as it is now; made, or used again, as the controllers do.
func (w *workload) current(kind string) *revision {
	template := w.template()
	hash := hashOf(template)
	last := 0
	for _, r := range w.sets {
		last = max(last, r.number)
	}
	for _, r := range w.sets {
		if r.hash == hash {
			if r.number != last {
				r.number = last + 1
				w.number(r)
			}
			return r
		}
	}
	r := &revision{hash: hash, number: last + 1, template: deepCopy(template)}
	w.c.fleet.tally.ReplicaSets++
	if kind != "" {
		r.o = w.c.create(w.revisionObject(kind, r), "")
	}
	w.sets = append(w.sets, r)
	w.number(r)
	return r
}

// number writes the number of a revision where the API shows it.
func (w *workload) number(r *revision) {
	if r.o == nil {
		return
	}
	if r.o.kind() == "ControllerRevision" {
		r.o.data["revision"] = int64(r.number)
	} else {
		child(r.o.data, "metadata", "annotations")["deployment.kubernetes.io/revision"] = fmt.Sprint(r.number)
		child(w.o.data, "metadata", "annotations")["deployment.kubernetes.io/revision"] = fmt.Sprint(r.number)
	}
	w.c.put(r.o)
}

func (w *workload) revisionObject(kind string, r *revision) map[string]any {
	label := "controller-revision-hash"
	if kind == "ReplicaSet" {
		label = "pod-template-hash"
	}
	out := map[string]any{
		"apiVersion": "apps/v1", "kind": kind,
		"metadata": map[string]any{
			"name": w.o.name() + "-" + r.hash, "namespace": w.o.ns(), "labels": map[string]any{label: r.hash},
			"ownerReferences": []any{w.ownerReference()},
		},
	}
	if kind == "ReplicaSet" {
		out["spec"] = map[string]any{"template": deepCopy(r.template)}
	}
	return out
}

func (w *workload) ownerReference() map[string]any {
	return map[string]any{
		"apiVersion": w.o.u().GetAPIVersion(), "kind": w.kind(), "name": w.o.name(), "uid": w.uid, "controller": true,
	}
}

// hashOf is the hash of a template: equal templates, equal hashes.
func hashOf(template map[string]any) string {
	h := fnv.New64a()
	if b, err := json.Marshal(template); err == nil {
		_, _ = h.Write(b)
	}
	return fmt.Sprintf("%010x", h.Sum64()&0xffffffffff)
}

// setStatus writes the status, if it differs, and tells the watches.
func (w *workload) setStatus(status map[string]any) {
	if sameJSON(w.o.data["status"], status) {
		return
	}
	w.o.data["status"] = status
	w.c.put(w.o)
}

// counts of pods of one revision, or of all when hash is empty.
func (w *workload) count(hash string) (all, ready, available int) {
	for _, p := range w.pods {
		if hash != "" && p.hash != hash {
			continue
		}
		all++
		if !p.ready {
			continue
		}
		ready++
		wait := time.Duration(w.minReady(p.hash)) * time.Second
		if at := p.readyAt.Add(time.Duration(float64(wait) * w.c.fleet.opts.Pace)); !at.After(w.c.fleet.now) {
			available++
		}
	}
	return all, ready, available
}

// minReady is the minReadySeconds that counts for pods of a revision: only the newest ReplicaSet of a Deployment follows the
// Deployment's, the older ones keep theirs. A DaemonSet judges every pod by its own.
func (w *workload) minReady(hash string) int {
	now := w.spec(0, "minReadySeconds")
	if w.kind() != "Deployment" && w.kind() != "Rollout" {
		return now
	}
	for _, r := range w.sets {
		if r.hash == hash {
			return r.minReady
		}
	}
	return now
}
