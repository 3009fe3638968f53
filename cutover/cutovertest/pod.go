package cutovertest

import (
	"fmt"
	"slices"
	"time"

	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// pod is a running pod, and the application in it.
type pod struct {
	w       *workload
	o       *object
	hash    string
	ordinal int
	node    *node
	ready   bool
	readyAt time.Time
	over    bool

	// What its birth gave it; nothing changes it later.
	client, account, label string
	injected               bool
	redirected, proxied    bool // IMDS requests go to a migration proxy; one is there
	outlived               bool // the proxy keeps the pod from ending
	lied                   bool // the webhook did not do what it should
	born                   time.Time

	newPath, oldPath, failed int
	lastError, became        string
}

// bear creates a pod of a revision through admission; false when it is refused, and then the controller tries again.
func (w *workload) bear(r *revision, name string) bool {
	return w.bearPod(r, name, w.c.schedule())
}

func (w *workload) bearOn(r *revision, n *node) { w.bearPod(r, "", n) }

func (w *workload) bearPod(r *revision, name string, n *node) bool {
	f := w.c.fleet
	if n == nil {
		w.look(time.Second)
		return false
	}
	if name == "" {
		w.c.born++
		name = fmt.Sprintf("%s-%s-%05d", w.o.name(), r.hash[:5], w.c.born)
	}
	data := w.podObject(r, name, n)
	if err := w.c.admit(data); err != nil {
		w.refused = err
		w.look(5 * time.Second)
		return false
	}
	w.refused = nil
	p := &pod{w: w, hash: r.hash, node: n, ordinal: w.ordinals, born: f.now}
	p.remember(data)
	p.lied = w.c.webhook.mode != WebhookUp && w.c.webhook.mode != WebhookSlow
	p.o = w.c.create(data, "")
	w.c.podsChanged(p)
	n.pods++
	w.pods = append(w.pods, p)
	f.tally.Births++
	if w.app.CrashesOn != nil && w.app.CrashesOn(p.label != "", p.injected) {
		return true // it never becomes Ready
	}
	takes := f.some(f.opts.PodStart/2, f.opts.PodStart)
	if w.app.StartsLater != nil {
		takes += w.app.StartsLater(p.label != "", p.injected)
	}
	f.after(takes, p.start)
	return true
}

func (w *workload) podObject(r *revision, name string, n *node) map[string]any {
	template := deepCopy(r.template)
	meta := map[string]any{"name": name, "namespace": w.o.ns(), "ownerReferences": []any{w.podOwner(r)}}
	labels := child(template, "metadata", "labels")
	if w.kind() == "Deployment" || w.kind() == "Rollout" {
		labels["pod-template-hash"] = r.hash
	} else {
		labels["controller-revision-hash"] = r.hash
	}
	meta["labels"] = labels
	if a, ok := child(template, "metadata")["annotations"]; ok {
		meta["annotations"] = a
	}
	spec := child(template, "spec")
	spec["nodeName"] = n.name
	return map[string]any{
		"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": map[string]any{"phase": "Pending"},
	}
}

// podOwner is the ReplicaSet of a Deployment, what stands between a custom resource and its pods, else the workload itself.
func (w *workload) podOwner(r *revision) map[string]any {
	switch {
	case chains[w.kind()] != nil:
		return w.chain(r)
	case r.o == nil || r.o.kind() != "ReplicaSet":
		return w.ownerReference()
	}
	return map[string]any{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": r.o.name(), "uid": r.o.uid(), "controller": true}
}

// remember takes from the pod, as it was admitted, what its application will see.
func (p *pod) remember(data map[string]any) {
	p.client = envOf(data, workloadid.EnvClientID)
	p.injected = p.client != "" && envOf(data, workloadid.EnvFederatedTokenFile) != ""
	p.account, _ = child(data, "spec")["serviceAccountName"].(string)
	if p.account == "" {
		p.account = "default"
	}
	p.label, _ = child(data, "metadata", "labels")[podidentity.Label].(string)
	p.redirected, p.proxied, p.outlived = proxyOf(data)
}

// start makes the pod Ready; its application takes its first token.
func (p *pod) start() {
	if p.over {
		return
	}
	c := p.w.c
	p.ready, p.readyAt = true, c.fleet.now
	p.o.data["status"] = map[string]any{
		"phase": "Running", "startTime": p.born.UTC().Format(time.RFC3339),
		"conditions": []any{map[string]any{
			"type": "Ready", "status": "True", "lastTransitionTime": c.fleet.now.UTC().Format(time.RFC3339),
		}},
		"containerStatuses": []any{map[string]any{"name": "app", "ready": true, "restartCount": int64(0)}},
	}
	c.put(p.o)
	c.podsChanged(p)
	c.nmi.podStarted(c, p)
	p.take(c.fleet.now)
	p.w.changed()
}

// end deletes the pod.
func (p *pod) end() {
	if p.over {
		return
	}
	p.over = true
	p.node.pods--
	p.w.pods = slices.DeleteFunc(p.w.pods, func(x *pod) bool { return x == p })
	p.w.c.drop(p.o)
	p.w.c.podsChanged(p)
	p.w.c.nmi.podEnded(p.w.c, p)
	p.w.changed()
}

// podsChanged lets those look who count pods.
func (c *Cluster) podsChanged(p *pod) {
	c.budgetsChanged(p.w.o.ns())
	c.countQuotas(p.w.o.ns())
}

// evictPod ends the pod of an object; its controller makes another.
func (c *Cluster) evictPod(o *object) {
	for _, w := range c.workloads() {
		for _, p := range w.pods {
			if p.o == o {
				p.end()
				return
			}
		}
	}
}
