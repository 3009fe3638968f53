package cutover

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
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
		surge := surgeOf(live.Unstructured)
		if surge == 0 {
			return []Evidence{passed(w.String(), "warning: its rollout takes a pod away before it adds one")}
		}
		var out []Evidence
		for _, q := range quotas {
			out = append(out, fits(q, w, live, surge)...)
		}
		return out
	})
}

// surgeOf is how many pods a rollout adds before it takes one away.
func surgeOf(w *unstructured.Unstructured) int64 {
	if w.GetKind() != "Deployment" && w.GetKind() != "Rollout" {
		return 0
	}
	path := []string{"spec", "strategy", "rollingUpdate", "maxSurge"}
	if w.GetKind() == "Rollout" {
		path = []string{"spec", "strategy", "canary", "maxSurge"}
	}
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

// fits compares what is left of a quota with what the surge asks for.
func fits(q *unstructured.Unstructured, w Workload, live *liveWorkload, surge int64) []Evidence {
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
		need := resource.NewMilliQuantity(one.MilliValue()*surge, one.Format)
		if left.Cmp(*need) < 0 {
			out = append(out, failing("ResourceQuota/"+quota.Name, fmt.Sprintf("%s: %s left, and the rollout of %s adds %s", name, left.String(), w, need.String()), "room for the surge"))
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

// checkConsumers: nothing else in the namespace asks for the old path: CSI secrets and KEDA triggers have settings of their own (PF14).
// https://azure.github.io/secrets-store-csi-driver-provider-azure/docs/configurations/identity-access-modes/
func checkConsumers(ctx context.Context, t Target, _ PreflightOptions) []Evidence {
	ns := t.Unit.Namespace
	var out []Evidence
	classes, err := optional(ctx, t.Cluster, Selection{APIVersion: "secrets-store.csi.x-k8s.io/v1", Kind: "SecretProviderClass", Namespace: ns})
	if err != nil {
		out = append(out, unclear("Namespace/"+ns, "its SecretProviderClasses cannot be read: "+err.Error()))
	}
	for _, c := range classes {
		if strings.EqualFold(text(c.Object, "spec", "parameters", "usePodIdentity"), "true") {
			out = append(out, failing("SecretProviderClass/"+c.GetName(), "has usePodIdentity: \"true\"", "usePodIdentity \"false\" and the clientID of the identity"))
		}
	}
	triggers, err := optional(ctx, t.Cluster, Selection{APIVersion: "keda.sh/v1alpha1", Kind: "TriggerAuthentication", Namespace: ns})
	if err != nil {
		out = append(out, unclear("Namespace/"+ns, "its TriggerAuthentications cannot be read: "+err.Error()))
	}
	for _, c := range triggers {
		if text(c.Object, "spec", "podIdentity", "provider") == "azure" {
			out = append(out, failing("TriggerAuthentication/"+c.GetName(), "has podIdentity provider azure", "provider azure-workload"))
		}
	}
	return out
}

// optional lists a custom resource; one that the cluster does not know has no objects.
func optional(ctx context.Context, r Reader, sel Selection) ([]*unstructured.Unstructured, error) {
	found, err := list(ctx, r, sel)
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
		return nil, nil
	}
	return found, err
}
