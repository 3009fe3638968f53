package cutover_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestGitOps(t *testing.T) {
	flux := map[string]string{"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
	bubble(t, "the removal of the label is published and awaited", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Labels: flux})
		p, j := planFor(t, f, nil), cutovertest.NewJournal()
		if p.Units[0].Mode != cutover.GitOps {
			t.Fatalf("mode %s", p.Units[0].Mode)
		}
		var published []cutover.Publication
		r := runnerFor(t, f, j, cutovertest.PassGates(), &cutover.Options{Publish: func(_ context.Context, p cutover.Publication) error {
			published = append(published, p)
			return nil
		}})
		wantHold(t, mustRun(t, r, p), cutover.HoldGit, "aadpodidbinding: null")
		wantHold(t, mustRun(t, r, p), cutover.HoldGit, "aadpodidbinding: null") // nothing is published twice
		var paths []string
		for _, x := range published {
			paths = append(paths, x.Path)
		}
		want := []string{"aks-eastus-01/shop/serviceaccount-web.yaml", "aks-eastus-01/shop/deployment-web.yaml", "aks-eastus-01/shop/deployment-web.yaml"}
		if diff := cmp.Diff(want, paths); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
		c.Edit("Deployment", "shop", "web", "kustomize-controller", func(o map[string]any) {
			labels := o["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any)
			delete(labels, "aadpodidbinding")
		})
		wantStates(t, mustRun(t, r, p), cutover.Done)
		published = nil
		rep := mustRollback(t, r, p)
		wantStates(t, rep, cutover.RolledBack)
		if len(published) != 3 || !strings.Contains(published[0].StrategicMerge, "aadpodidbinding: shop-web") || len(rep.Units[0].Left) != 3 {
			t.Errorf("the rollback published %+v and left %v", published, rep.Units[0].Left)
		}
		wantNoHarm(t, f)
	})
	bubble(t, "a tool that puts the label back twice freezes the unit", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		c.Revert("Deployment", "shop", "web", 30*time.Second)
		rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), nil), planFor(t, f, nil))
		wantFrozen(t, rep, "put back twice by argocd-controller")
		wantNoHarm(t, f)
	})
	bubble(t, "a suspended tool is always resumed", func(t *testing.T) {
		for _, result := range []cutover.Result{cutover.Pass, cutover.Fail} {
			f, c := oneApp(t, cutovertest.App{Labels: flux})
			c.Create(map[string]any{
				"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
				"metadata": map[string]any{"name": "shop", "namespace": "flux-system"}, "spec": map[string]any{"interval": "10m"},
			})
			origin := c.Dump()["Kustomization/flux-system/shop"]
			g := cutovertest.PassGates()
			g.LoadAgain = cutovertest.Verdict(result, "scripted")
			p := planFor(t, f, &cutover.PlanOptions{Mode: func(cutover.Unit) cutover.Mode { return cutover.Suspend }})
			suspended := false
			g.Load = func(ctx context.Context, t cutover.Target) cutover.Verdict {
				o, err := t.Cluster.Get(ctx, cutover.Ref{APIVersion: "kustomize.toolkit.fluxcd.io/v1", Kind: "Kustomization", Namespace: "flux-system", Name: "shop"})
				suspended = err == nil && o.Object["spec"].(map[string]any)["suspend"] == true
				return cutover.Verdict{Result: cutover.Pass}
			}
			mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), p)
			if !suspended {
				t.Error("the tool was not suspended while the unit moved")
			}
			if diff := cmp.Diff(origin, c.Dump()["Kustomization/flux-system/shop"]); diff != "" {
				t.Errorf("with a gate that gives %s, before (-) and after (+):\n%s", result, diff)
			}
		}
	})
}
