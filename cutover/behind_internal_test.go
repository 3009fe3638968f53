package cutover

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestWhenAResumedToolHasCaughtUp(t *testing.T) {
	unit := &Unit{Workloads: []Workload{{Ref: Ref{Kind: "Deployment", Namespace: "shop", Name: "web"}}}}
	resource := func(name, status string) map[string]any {
		return map[string]any{"kind": "Deployment", "namespace": "shop", "name": name, "status": status}
	}
	argo := func(at string, resources ...any) map[string]any {
		return map[string]any{"kind": "Application", "status": map[string]any{"reconciledAt": at, "resources": resources}}
	}
	flux := func(observed int64, ready string) map[string]any {
		return map[string]any{"kind": "Kustomization", "metadata": map[string]any{"generation": int64(3)}, "status": map[string]any{
			"observedGeneration": observed, "conditions": []any{map[string]any{"type": "Ready", "status": ready, "reason": "BuildFailed"}}}}
	}
	for name, tc := range map[string]struct {
		tool map[string]any
		want string
	}{
		"Flux has reconciled its newest generation":       {flux(3, "True"), ""},
		"Flux has not yet":                                {flux(2, "True"), "not reconciled"},
		"Flux could not build what Git has":               {flux(3, "False"), "not Ready (BuildFailed)"},
		"Argo CD has reconciled since":                    {argo("11:05", resource("web", "Synced")), ""},
		"Argo CD has not yet":                             {argo("11:00", resource("web", "Synced")), "not reconciled"},
		"Argo CD never has":                               {argo(""), "not reconciled"},
		"Argo CD sees another text in Git, and leaves it": {argo("11:05", resource("web", "OutOfSync")), "Deployment/web is OutOfSync"},
		"what is not of the unit may differ, in Argo CD":  {argo("11:05", resource("web", "Synced"), resource("other", "OutOfSync")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := behind(&unstructured.Unstructured{Object: tc.tool}, "11:00", unit)
			if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("behind: %q, want …%s…", got, tc.want)
			}
		})
	}
}
