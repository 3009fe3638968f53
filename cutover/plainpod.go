package cutover

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// probed are the workloads whose pods are tried in dry runs: the target's, or, where all of the unit's are left to finish, a plain pod for
// each service account, which the next Job will run as.
func (t Target) probed() []Workload {
	if len(t.Workloads) > 0 || t.Unit.moves() {
		return t.Workloads
	}
	out := make([]Workload, 0, len(t.Unit.Accounts))
	for _, a := range t.Unit.Accounts {
		out = append(out, Workload{Ref: a.Ref, ServiceAccount: a.Ref.Name})
	}
	return out
}

// plainPod is a pod as small as admission rules, pod security and quotas allow, that is never stored.
func plainPod(w Workload, s Strategy) *unstructured.Unstructured {
	little := map[string]any{"cpu": "1m", "memory": "4Mi"}
	meta := map[string]any{"namespace": w.Namespace, "generateName": "wimigrate-probe-", "labels": map[string]any{workloadid.UseLabel: workloadid.UseValue}}
	if a := s.podAnnotations(); len(a) > 0 {
		meta["annotations"] = a
	}
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": map[string]any{
		"serviceAccountName": w.ServiceAccount,
		"securityContext":    map[string]any{"runAsNonRoot": true, "runAsUser": int64(65534), "seccompProfile": map[string]any{"type": "RuntimeDefault"}},
		"containers": []any{map[string]any{
			"name": "probe", "image": "mcr.microsoft.com/oss/kubernetes/pause:3.9", "resources": map[string]any{"requests": little, "limits": little},
			"securityContext": map[string]any{"allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []any{"ALL"}}},
		}},
	}}}
}
