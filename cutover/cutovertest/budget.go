package cutovertest

import (
	"errors"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const kindBudget = "PodDisruptionBudget"

// budgetsChanged lets the disruption controller look at a namespace soon.
func (c *Cluster) budgetsChanged(namespace string) {
	if len(c.objects[place{kindBudget, namespace}]) > 0 {
		c.fleet.after(controllerDelay, func() { c.countBudgets(namespace) })
	}
}

// countBudgets writes the status of every PodDisruptionBudget of a namespace, as the disruption controller does.
// https://kubernetes.io/docs/tasks/run-application/configure-pdb/
func (c *Cluster) countBudgets(namespace string) {
	for _, b := range c.objects[place{kindBudget, namespace}] {
		status := c.budgetStatus(b)
		if !sameJSON(b.data["status"], status) {
			b.data["status"] = status
			c.put(b)
		}
	}
}

func (c *Cluster) budgetStatus(b *object) map[string]any {
	healthy, pods, wanted := 0, 0, 0
	unscaled := false // a DaemonSet has no scale, so a share of its pods, or of what may be away, is nothing that can be counted
	for _, w := range c.workloads() {
		mine := 0
		for _, p := range w.pods {
			if !selects(b, p.o) {
				continue
			}
			if mine++; p.ready {
				healthy++
			}
		}
		unscaled = unscaled || mine > 0 && w.kind() == "DaemonSet"
		if pods += mine; mine > 0 {
			wanted += max(mine, w.spec(mine, "replicas"))
		}
	}
	spec := child(b.data, "spec")
	least := wanted - portion(spec["maxUnavailable"], wanted, true)
	if v, ok := spec["minAvailable"]; ok {
		least = portion(v, wanted, true)
	}
	allowed := max(healthy-least, 0)
	_, counted := spec["minAvailable"].(int64)
	if pods == 0 || unscaled && !counted {
		allowed = 0
	}
	return map[string]any{
		"observedGeneration": b.u().GetGeneration(), "expectedPods": int64(wanted), "currentHealthy": int64(healthy),
		"desiredHealthy": int64(max(least, 0)), "disruptionsAllowed": int64(allowed),
	}
}

// selects reports whether the matchLabels of an object's selector take a pod.
func selects(o, pod *object) bool {
	want, _ := child(o.data, "spec", "selector")["matchLabels"].(map[string]any)
	labels := child(pod.data, "metadata", "labels")
	for k, v := range want {
		if labels[k] != v {
			return false
		}
	}
	return true
}

// mayEvict answers an eviction as the API server does: by the one budget that selects the pod.
// https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
func (c *Cluster) mayEvict(pod *object) error {
	c.countBudgets(pod.ns())
	var budgets []*object
	for _, b := range c.objects[place{kindBudget, pod.ns()}] {
		if selects(b, pod) {
			budgets = append(budgets, b)
		}
	}
	switch {
	case len(budgets) == 0 || child(pod.data, "status")["phase"] == "Pending":
		return nil
	case len(budgets) > 1:
		return apierrors.NewInternalError(errors.New("this pod has more than one PodDisruptionBudget, which the eviction subresource does not support"))
	}
	status := child(budgets[0].data, "status")
	if integer(status["disruptionsAllowed"], 0) > 0 {
		return nil
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusTooManyRequests, Reason: metav1.StatusReasonTooManyRequests,
		Message: "Cannot evict pod as it would violate the pod's disruption budget.",
		Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: "DisruptionBudget",
			Message: "the budget " + budgets[0].name() + " allows no disruption"}}},
	}}
}
