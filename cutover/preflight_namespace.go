package cutover

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// checkQuota: the pods that a rollout has on top fit the namespace's quotas (PF12).
func checkQuota(ctx context.Context, t Target, _ PreflightOptions) []Evidence {
	quotas, err := list(ctx, t.Cluster, Selection{APIVersion: "v1", Kind: "ResourceQuota", Namespace: t.Unit.Namespace})
	if err != nil {
		return []Evidence{unclear("Namespace/"+t.Unit.Namespace, "its quotas cannot be read: "+err.Error())}
	}
	return each(ctx, t, func(w Workload, live *liveWorkload) []Evidence {
		var out []Evidence
		running, err := runningOf(ctx, t.Cluster, w, live)
		if err != nil {
			return []Evidence{unclear(w.String(), err.Error())}
		}
		surge, canary := surgeOf(running), besideCanary(t, w, live.Unstructured)
		if surge == 0 {
			out = append(out, passed(w.String(), "warning: its rollout takes a pod away before it adds one"))
		}
		for _, q := range quotas {
			lacks := fits(q, live, max(surge, canary), "the rollout of "+w.String())
			if len(lacks) == 0 {
				// What it takes to be under load is for the load gate, much later; but it cannot come to it without room.
				lacks = fits(q, live, inducedOf(t, running), "induced load on "+w.String())
				for i := range lacks {
					lacks[i].Result, lacks[i].Want = Inconclusive, "room for it, or a plan that induces none"
				}
			}
			out = append(out, lacks...)
		}
		return out
	})
}

// besideCanary is how many pods the second rollout has on top while it is held at its canary.
func besideCanary(t Target, w Workload, live *unstructured.Unstructured) int64 {
	if live.GetKind() != "Deployment" {
		return 0 // its canary takes the place of others
	}
	n, _ := canaryOf(liveCircumstances(live, w, t.Unit.Mode), t.Plan.Limits.CanaryPods)
	return int64(n)
}

// inducedOf is how many pods an induced scale-out has on top.
func inducedOf(t Target, w *unstructured.Unstructured) int64 {
	switch w.GetKind() {
	case "Deployment", "StatefulSet", "Rollout":
		if desired(w) > 0 {
			return min(int64(t.Plan.Limits.InducePods), max(leastLoadPods, (desired(w)+1)/2))
		}
	}
	return 0
}

// surgeOf is how many pods a rollout adds before it takes one away.
func surgeOf(w *unstructured.Unstructured) int64 {
	switch {
	case w.GetKind() == "Rollout":
		return argoSurge(w)
	case w.GetKind() != "Deployment" || text(w.Object, "spec", "strategy", "type") == "Recreate":
		return 0
	}
	return portionOf(w, "spec", "strategy", "rollingUpdate", "maxSurge")
}

// portionOf is a number of pods, or a percentage of all that are wanted.
func portionOf(w *unstructured.Unstructured, path ...string) int64 {
	surge := intstr.FromString("25%") // the API's default
	if v, ok := lookup(w.Object, path); ok {
		surge = intstr.Parse(fmt.Sprint(v))
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(&surge, int(desired(w)), true)
	if err != nil {
		return 1
	}
	return int64(n)
}

// fits compares what is left of a quota with what some more pods ask for, and says where it does not do.
func fits(q *unstructured.Unstructured, live *liveWorkload, more int64, why string) []Evidence {
	var quota corev1.ResourceQuota
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(q.Object, &quota); err != nil {
		return []Evidence{unclear("ResourceQuota/"+q.GetName(), "cannot be read: "+err.Error())}
	}
	var out []Evidence
	for _, name := range sortedNames(quota.Status.Hard) {
		one := perPod(name, live)
		if one.IsZero() {
			continue
		}
		left := quota.Status.Hard[name].DeepCopy()
		left.Sub(quota.Status.Used[name])
		need := resource.NewMilliQuantity(one.MilliValue()*more, one.Format)
		if left.Cmp(*need) < 0 {
			out = append(out, failing("ResourceQuota/"+quota.Name, fmt.Sprintf("%s: %s left, and %s adds %s", name, left.String(), why, need.String()),
				"room for the surge"))
		}
	}
	return out
}

func sortedNames(list corev1.ResourceList) []corev1.ResourceName {
	out := make([]corev1.ResourceName, 0, len(list))
	for name := range list {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// perPod is what one pod of the template takes of a quota; zero for a quota on something else than pods, CPU and memory.
func perPod(name corev1.ResourceName, live *liveWorkload) resource.Quantity {
	if name == corev1.ResourcePods || name == "count/pods" {
		return *resource.NewQuantity(1, resource.DecimalSI)
	}
	sum := resource.Quantity{}
	for _, c := range live.template.Spec.Containers {
		if of, limit := strings.CutPrefix(string(name), "limits."); limit {
			sum.Add(c.Resources.Limits[corev1.ResourceName(of)])
		} else {
			sum.Add(c.Resources.Requests[corev1.ResourceName(strings.TrimPrefix(string(name), "requests."))])
		}
	}
	return sum
}
