package cutover_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestLoadInducesByTheBoundThatRules(t *testing.T) {
	t.Parallel()
	hpa := func(change func(meta, spec map[string]any)) func(c *cutovertest.Cluster) {
		return func(c *cutovertest.Cluster) {
			c.Edit("HorizontalPodAutoscaler", "shop", "web", "kubectl", func(o map[string]any) {
				change(o["metadata"].(map[string]any), o["spec"].(map[string]any))
			})
		}
	}
	keda := hpa(func(meta, _ map[string]any) {
		meta["ownerReferences"] = []any{map[string]any{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "web", "uid": "s", "controller": true}}
	})
	for _, tc := range []struct {
		name   string
		hpa    bool
		script func(c *cutovertest.Cluster)
		object string
		path   string
		why    string
	}{
		{name: "spec.replicas where nothing else rules", object: "Deployment/web", path: "spec.replicas"},
		{name: "minReplicas of the HPA", hpa: true, object: "HorizontalPodAutoscaler/web", path: "spec.minReplicas"},
		{name: "minReplicaCount of the ScaledObject that made the HPA", hpa: true, script: func(c *cutovertest.Cluster) {
			keda(c)
			scaledObject(c, 30)
		}, object: "ScaledObject/web", path: "spec.minReplicaCount"},
		{name: "never above the HPA's own bound", hpa: true, script: hpa(func(_, spec map[string]any) { spec["maxReplicas"] = int64(6) }), why: "maxReplicas of HorizontalPodAutoscaler/web is 6"},
		{name: "never above the ScaledObject's own bound", hpa: true, script: func(c *cutovertest.Cluster) {
			keda(c)
			scaledObject(c, 6)
		}, why: "maxReplicaCount of ScaledObject/web is 6"},
		{name: "not where the ScaledObject cannot be found", hpa: true, script: keda, why: "ScaledObject/web, which made its HPA, cannot be read"},
		{name: "not where a GitOps tool would put it back", hpa: true, script: hpa(func(meta, _ map[string]any) {
			meta["annotations"] = map[string]any{"argocd.argoproj.io/tracking-id": "x"}
		}), why: "belongs to Argo CD"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked []cutover.Induction
				v := runLoad(t, loadCase{
					app: cutovertest.App{HPA: tc.hpa}, induce: 20, script: tc.script,
					change: func(target *cutover.Target) {
						target.Induce = func(_ context.Context, i cutover.Induction) error {
							asked = append(asked, i)
							return nil
						}
					},
				})
				if v.Result != cutover.Inconclusive || !strings.Contains(said(v), tc.why) {
					t.Errorf("%s", said(v))
				}
				switch {
				case tc.why != "" && len(asked) > 0:
					t.Errorf("asked for %+v", asked)
				case tc.why == "" && (len(asked) != 1 || asked[0].Object.String() != tc.object || strings.Join(asked[0].Path, ".") != tc.path || asked[0].To != 8 || asked[0].Extra != 5):
					t.Errorf("asked for %+v, want %s of %s to 8", asked, tc.path, tc.object)
				}
			})
		})
	}
}

// scaledObject puts a KEDA ScaledObject for web into the cluster.
func scaledObject(c *cutovertest.Cluster, most int) {
	c.Create(map[string]any{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": map[string]any{"name": "web", "namespace": "shop"},
		"spec": map[string]any{"minReplicaCount": int64(3), "maxReplicaCount": int64(most)}})
}

func TestWhatIsInducedIsRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := cutovertest.New(nil)
		c := f.AddCluster("aks-eastus-01", "eastus", 4)
		c.Deploy(cutovertest.App{Namespace: "shop", Name: "web", HPA: true})
		settle(t)
		f.ResetTally()
		p := planFor(t, f, &cutover.PlanOptions{Soak: time.Hour, Limits: cutover.Limits{InducePods: 20}})
		rep, err := runnerFor(t, f, cutovertest.NewJournal(), realGates(nil), nil).Run(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		wantStates(t, rep, cutover.Done)
		spec := c.Dump()["HorizontalPodAutoscaler/shop/web"]["spec"].(map[string]any)
		if tally := f.Tally(); spec["minReplicas"] != int64(3) || tally.Failed != 0 || tally.Wrong != 0 {
			t.Errorf("minReplicas %v, tally %+v", spec["minReplicas"], tally)
		}
	})
}
