package cutovertest

import (
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/wimigrate/wimigrate/cutover"
)

const kindQuota = "ResourceQuota"

// countedPods are the keys under which a ResourceQuota bounds the number of pods. The simulation knows no others.
// https://kubernetes.io/docs/concepts/policy/resource-quotas/#object-count-quota
var countedPods = [...]string{"pods", "count/pods"}

// withinQuota refuses a pod beyond a ResourceQuota of its namespace, as the last step of admission; a dry run is refused too.
func (c *Cluster) withinQuota(namespace, pod string) error {
	for _, q := range c.selected(cutover.Selection{APIVersion: "v1", Kind: kindQuota, Namespace: namespace}) {
		hard, _ := child(q.data, "spec")["hard"].(map[string]any)
		for _, key := range countedPods {
			most, bounded := hard[key]
			if used := c.podsIn(namespace); bounded && used >= quantity(most) {
				return apierrors.NewForbidden(resource(cutover.Ref{APIVersion: "v1", Kind: "Pod"}), pod,
					fmt.Errorf("exceeded quota: %s, requested: %s=1, used: %s=%d, limited: %s=%d", q.name(), key, key, used, key, quantity(most)))
			}
		}
	}
	return nil
}

// countQuotas writes the status of every ResourceQuota of a namespace.
func (c *Cluster) countQuotas(namespace string) {
	for _, q := range c.objects[place{kindQuota, namespace}] {
		hard, _ := child(q.data, "spec")["hard"].(map[string]any)
		used := map[string]any{}
		for key := range hard {
			if slices.Contains(countedPods[:], key) {
				used[key] = fmt.Sprint(c.podsIn(namespace))
			}
		}
		if status := map[string]any{"hard": hard, "used": used}; !sameJSON(q.data["status"], status) {
			q.data["status"] = deepCopy(status)
			c.put(q)
		}
	}
}

// podsIn counts the pods of a namespace that have not ended.
func (c *Cluster) podsIn(namespace string) int {
	n := 0
	for _, o := range c.objects[place{"Pod", namespace}] {
		if phase := child(o.data, "status")["phase"]; phase != "Succeeded" && phase != "Failed" {
			n++
		}
	}
	return n
}

// quantity reads a count that the API writes as a string.
func quantity(v any) int {
	n := integer(v, 0)
	if s, ok := v.(string); ok {
		if _, err := fmt.Sscanf(s, "%d", &n); err != nil {
			return 0
		}
	}
	return n
}
