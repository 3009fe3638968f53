package cutover_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestGitOps(t *testing.T) {
	t.Parallel()
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
		wantLabels(t, published[1], map[string]any{useLabel: "true"})
		wantLabels(t, published[2], map[string]any{useLabel: "true", oldLabel: nil}) // whoever writes files by path must not lose the first
		if p := published[2]; p.Owner != "flux:flux-system/shop" || !strings.HasPrefix(p.Source, "dump.json#") {
			t.Errorf("owner %q, source %q", p.Owner, p.Source)
		}
		c.Edit("Deployment", "shop", "web", "kustomize-controller", func(o map[string]any) {
			labels := o["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any)
			delete(labels, "aadpodidbinding")
		})
		wantStates(t, mustRun(t, r, p), cutover.Done)
		published = nil
		rep := mustRollback(t, r, p)
		wantStates(t, rep, cutover.RolledBack)
		if len(published) != 3 || len(rep.Units[0].Left) != 3 {
			t.Fatalf("the rollback published %+v and left %v", published, rep.Units[0].Left)
		}
		wantLabels(t, published[0], map[string]any{useLabel: "true", oldLabel: "shop-web"})
		wantLabels(t, published[1], map[string]any{useLabel: nil, oldLabel: "shop-web"})
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

const (
	oldLabel = "aadpodidbinding"
	useLabel = "azure.workload.identity/use"
)

// wantLabels judges what a patch says of the labels of a Deployment's template.
func wantLabels(t *testing.T, p cutover.Publication, want map[string]any) {
	t.Helper()
	var patch struct {
		Spec struct {
			Template struct {
				Metadata struct{ Labels map[string]any }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(p.StrategicMerge), &patch); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, patch.Spec.Template.Metadata.Labels); diff != "" {
		t.Errorf("labels in the patch of %s (-want +got):\n%s", p.Object, diff)
	}
}

func TestPublicationsAsFilesAreReadyForKustomize(t *testing.T) {
	t.Parallel()
	bubble(t, "a patch for each object, and a Component that lists them", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Labels: byFlux})
		dir := t.TempDir()
		files := cutover.PublishFiles(dir)
		p := planFor(t, f, nil)
		r := runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), &cutover.Options{Patience: time.Hour, Publish: func(ctx context.Context, p cutover.Publication) error {
			return errors.Join(files(ctx, p), committing(c)(ctx, p))
		}})
		wantStates(t, mustRun(t, r, p), cutover.Done)
		got := map[string]string{}
		for _, name := range []string{"kustomization.yaml", "deployment-web.yaml", "serviceaccount-web.yaml"} {
			text, err := os.ReadFile(filepath.Join(dir, "aks-eastus-01", "shop", name))
			if err != nil {
				t.Fatal(err)
			}
			got[name] = string(text)
		}
		want := "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- path: deployment-web.yaml\n- path: serviceaccount-web.yaml\n"
		if diff := cmp.Diff(want, got["kustomization.yaml"]); diff != "" {
			t.Errorf("the Component (-want +got):\n%s", diff)
		}
		wantLabels(t, cutover.Publication{StrategicMerge: got["deployment-web.yaml"]}, map[string]any{useLabel: "true", oldLabel: nil})
		if first, _, _ := strings.Cut(got["deployment-web.yaml"], "\n"); !strings.HasPrefix(first, "# The cutover of unit aks-eastus-01/shop/web, deployed by flux:flux-system/shop; the manifest is in dump.json#") {
			t.Errorf("header %q", first)
		}
		left, err := filepath.Glob(filepath.Join(dir, "*", "*", ".*"))
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
		in := cutover.Publication{Path: "aks-eastus-01/shop/thing-x.yaml", JSONPatch: "- op: remove\n  path: /spec/parts/0/metadata/labels/aadpodidbinding\n",
			Object: cutover.Ref{APIVersion: "example.com/v1", Kind: "Thing", Namespace: "shop", Name: "x"}}
		again := in
		again.Path, again.StrategicMerge, again.JSONPatch = "aks-eastus-01/shop/deployment-web.yaml", got["deployment-web.yaml"], ""
		if err := errors.Join(files(t.Context(), in), files(t.Context(), again)); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "aks-eastus-01", "shop", "kustomization.yaml"))
		want += "- path: thing-x.yaml\n  target:\n    group: example.com\n    kind: Thing\n    name: x\n    namespace: shop\n    version: v1\n"
		if diff := cmp.Diff(want, string(text)); diff != "" || err != nil {
			t.Errorf("the Component with a JSON Patch, which needs a target: %v (-want +got):\n%s", err, diff)
		}
		if err := files(t.Context(), cutover.Publication{Path: "../elsewhere.yaml"}); err == nil {
			t.Error("a path out of the folder was written to")
		}
	})
}

func TestEverythingByCommits(t *testing.T) {
	bubble(t, "nothing of the workload or its service account is written by the runner, there or back", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Labels: byFlux})
		git := c.Repository("flux-system", "shop", -1, cutover.Ref{Kind: "Deployment", Namespace: "shop", Name: "web"},
			cutover.Ref{Kind: "ServiceAccount", Namespace: "shop", Name: "web"})
		origin := c.Dump()
		p := planFor(t, f, &cutover.PlanOptions{Soak: time.Hour, Mode: byMode(cutover.GitOnly)})
		r := runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), &cutover.Options{Publish: git.Publish})
		for _, says := range []string{"azure.workload.identity/client-id", "azure.workload.identity/use: \"true\"", "aadpodidbinding: null"} {
			wantHold(t, mustRun(t, r, p), cutover.HoldGit, says)
			time.Sleep(time.Hour)
			wantHold(t, mustRun(t, r, p), cutover.HoldGit, says) // it is not merged
			git.Merge()
			time.Sleep(time.Minute)
		}
		wantStates(t, mustRun(t, r, p), cutover.Done)
		for _, name := range []string{"Deployment/shop/web", "ServiceAccount/shop/web"} {
			meta := c.Dump()[name]["metadata"].(map[string]any)
			if notes, _ := meta["annotations"].(map[string]any); notes[cutover.CrumbAnnotation] != nil {
				t.Errorf("%s was written to: %v", name, notes)
			}
		}
		wantStates(t, mustRollback(t, r, p), cutover.RolledBack)
		git.Merge()
		wantDump(t, c, origin)
		wantNoHarm(t, f)
	})
}
