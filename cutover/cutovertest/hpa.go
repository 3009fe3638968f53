package cutovertest

import "time"

// scaleDownDelay is how long an HPA waits before it takes pods away.
// https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#default-behavior
const scaleDownDelay = 5 * time.Minute

// scaleByHPA brings the target of an HPA within its bounds: up soon, down late.
func (c *Cluster) scaleByHPA(h *object) {
	c.fleet.after(time.Second, func() { c.clampUp(h) })
	c.fleet.after(scaleDownDelay, func() { c.clampDown(h) })
}

func (c *Cluster) target(h *object) *workload {
	ref := child(h.data, "spec", "scaleTargetRef")
	kind, _ := ref["kind"].(string)
	name, _ := ref["name"].(string)
	o := c.find(kind, h.ns(), name)
	if o == nil {
		return nil
	}
	return c.sets[o.uid()]
}

func (c *Cluster) clampUp(h *object) {
	w := c.target(h)
	if w == nil {
		return
	}
	low := integer(child(h.data, "spec")["minReplicas"], 1)
	// At zero replicas an HPA is disabled; it wakes up as soon as somebody starts a pod.
	// https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#implicit-maintenance-mode-deactivation
	if have := w.spec(1, "replicas"); have > 0 && have < max(low, w.app.demand()) {
		w.scale(max(low, w.app.demand()))
	}
}

func (c *Cluster) clampDown(h *object) {
	w := c.target(h)
	if w == nil {
		return
	}
	low := integer(child(h.data, "spec")["minReplicas"], 1)
	if have := w.spec(1, "replicas"); have > max(low, w.app.demand()) {
		w.scale(max(low, w.app.demand()))
	}
}

// scale writes spec.replicas as the scale subresource does.
func (w *workload) scale(n int) {
	if chains[w.kind()] != nil {
		w.app.Replicas = n
		w.changed()
		return
	}
	w.c.edit(w.o, "kube-controller-manager", func(o map[string]any) { child(o, "spec")["replicas"] = int64(n) })
}

// Scale sets the replicas of a workload, as a person or an autoscaler does.
func (c *Cluster) Scale(kind, namespace, name string, replicas int) bool {
	return c.Edit(kind, namespace, name, "kube-controller-manager", func(o map[string]any) {
		child(o, "spec")["replicas"] = int64(replicas)
	})
}
