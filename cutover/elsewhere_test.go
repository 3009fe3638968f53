package cutover_test

import (
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// elsewhere is a workload at zero in another namespace, with the old label of the unit under test.
func elsewhere(apiVersion, kind string) map[string]any {
	template := map[string]any{
		"metadata": map[string]any{"labels": map[string]any{"app": "late", "aadpodidbinding": "shop-web"}},
		"spec":     map[string]any{"containers": []any{map[string]any{"name": "app", "image": "registry.example/late:1"}}},
	}
	spec := map[string]any{"replicas": int64(0), "selector": map[string]any{"matchLabels": map[string]any{"app": "late"}}, "template": template}
	if kind == "CronJob" {
		spec = map[string]any{"suspend": true, "schedule": "0 3 * * *", "jobTemplate": map[string]any{"spec": map[string]any{"template": template}}}
	}
	return map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": "late", "namespace": "other"}, "spec": spec}
}

func TestABindingIsKeptForATemplateOfAnotherNamespaceThatNeedsItByNow(t *testing.T) {
	for _, tc := range []struct {
		name             string
		mode             catalog.PodIdentityMode
		apiVersion, kind string
		namespaced       bool
		kept             bool
	}{
		{"a Deployment at zero", catalog.ModeStandard, "apps/v1", "Deployment", false, true},
		{"a suspended CronJob", catalog.ModeStandard, "batch/v1", "CronJob", false, true},
		{"but not for an identity that is namespaced", catalog.ModeStandard, "apps/v1", "Deployment", true, false},
		{"nor in managed mode", catalog.ModeManaged, "apps/v1", "Deployment", false, false},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f := cutovertest.New(&cutovertest.Options{Mode: tc.mode})
			c := f.AddCluster("aks-eastus-01", "eastus", 4)
			c.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
			settle(t)
			if tc.namespaced {
				c.Edit("AzureIdentity", "shop", "shop-web", "kubectl", func(o map[string]any) {
					o["metadata"].(map[string]any)["annotations"] = map[string]any{"aadpodidentity.k8s.io/Behavior": "namespaced"}
				})
			}
			p, j := planFor(t, f, nil), cutovertest.NewJournal()
			c.Create(elsewhere(tc.apiVersion, tc.kind)) // after the plan
			r := runnerFor(t, f, j, cutovertest.PassGates(), nil)
			rep := mustRun(t, r, p)
			_, there := c.Dump()["AzureIdentityBinding/shop/shop-web-binding"]
			if there != tc.kept {
				t.Errorf("the binding is there: %v, want %v", there, tc.kept)
			}
			if !tc.kept {
				wantStates(t, rep, cutover.Done)
				return
			}
			wantHold(t, rep, cutover.HoldManual, "other "+tc.kind+"/late")
			if !c.Remove(tc.kind, "other", "late") {
				t.Fatal("nothing to remove")
			}
			wantStates(t, mustRun(t, r, p), cutover.Done)
			wantNoHarm(t, f)
		})
	}
}
