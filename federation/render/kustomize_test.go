package render_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/render"
)

// renderAll returns the error of every renderer, which must not be nil.
func renderAll(plan *federation.Plan, cat *catalog.Catalog) map[string]error {
	_, terraform := render.Terraform(plan, cat, nil)
	_, aso := render.ASO(plan, cat, nil)
	_, crossplane := render.Crossplane(plan, cat, nil)
	_, bicep := render.Bicep(plan, cat, nil)
	_, script := render.Script(plan, cat, nil)
	_, kustomize := render.Kustomize(plan, cat, nil)
	out := map[string]error{"terraform": terraform, "aso": aso, "crossplane": crossplane, "bicep": bicep, "script": script, "kustomize": kustomize}
	for name, err := range out {
		if err == nil {
			out[name] = fmt.Errorf("%s rendered", name)
		}
	}
	return out
}

func TestKustomizeGolden(t *testing.T) {
	cat := fleet()
	files, err := render.Kustomize(planOf(t, cat, state(cat), nil), cat, nil)
	want := []string{"payments/Machine/m: where example.com/v1 keeps its pod template is not known: label it by hand"}
	if diff := cmp.Diff(want, reasons(t, err)); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	golden(t, "kustomize", files)
}

func TestKustomizeUnderProposedIdentitiesNeedsTheirClientIDs(t *testing.T) {
	cat := fleet()
	plan := planOf(t, cat, nil, &federation.PlanOptions{Topology: federation.PerWorkload()})
	files, err := render.Kustomize(plan, cat, nil)
	if got := reasons(t, err); len(files) != 0 || len(got) != 5 || !strings.Contains(got[0], "client ID of identity") {
		t.Errorf("files %v, left out %q", files.Paths(), got)
	}
	files, err = render.Kustomize(plan, cat, &render.KustomizeOptions{ClientID: func(id catalog.Identity) string { return "client-of-" + id.Name }})
	if got := reasons(t, err); len(got) != 1 {
		t.Errorf("left out %q", got)
	}
	var account struct {
		Metadata struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	if err := yaml.Unmarshal(files["clusters/aks-eastus-01/payments/serviceaccount-api.yaml"], &account); err != nil {
		t.Fatal(err)
	}
	if got := account.Metadata.Annotations["azure.workload.identity/client-id"]; !strings.HasPrefix(got, "client-of-id-payments_api") {
		t.Errorf("client ID %q", got)
	}
}

func TestAServiceAccountOfTwoIdentitiesIsLeftOutWithItsWorkloads(t *testing.T) {
	cat := fleet()
	second := cat.Needs[0]
	second.Identity = cat.Needs[1].Identity
	cat.Needs = append(cat.Needs, second)
	files, err := render.Kustomize(planOf(t, cat, nil, nil), cat, nil)
	if got := reasons(t, err); len(got) != 2 || !strings.Contains(got[0], "several identities") {
		t.Errorf("left out %q", got)
	}
	for _, p := range files.Paths() {
		if strings.HasPrefix(p, "clusters/aks-eastus-01/payments/") {
			t.Errorf("rendered %s", p)
		}
	}
}

func TestABlockedIdentityGetsNoServiceAccount(t *testing.T) {
	cat := fleet()
	plan := planOf(t, cat, nil, nil)
	for i := range plan.Identities {
		plan.Identities[i].Blocked = "needs more than 20"
	}
	files, err := render.Kustomize(plan, cat, nil)
	if got := reasons(t, err); len(files) != 0 || len(got) != 5 {
		t.Errorf("files %v, left out %q", files.Paths(), got)
	}
}

func TestArgoCDAndFluxGolden(t *testing.T) {
	cat := fleet()
	plan := planOf(t, cat, nil, nil)
	aso, err := render.ASO(plan, cat, nil)
	reasons(t, err)
	components, err := render.Kustomize(plan, cat, nil)
	reasons(t, err)
	files, err := render.Merge(aso.Under("trust"), components.Under("apps"))
	if err != nil {
		t.Fatal(err)
	}
	argo, err := render.ArgoCD(files, render.ArgoCDOptions{RepoURL: "https://git.example.com/fleet.git", Path: "gitops", DestinationNamespace: "azure"})
	if err != nil {
		t.Fatal(err)
	}
	flux, err := render.Flux(files, &render.FluxOptions{Path: "gitops", TargetNamespace: "azure"})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "argocd", argo)
	golden(t, "flux", flux)
	if _, err := render.ArgoCD(files, render.ArgoCDOptions{}); err == nil {
		t.Error("Argo CD without a repository")
	}
	if _, err := render.Flux(files, &render.FluxOptions{Path: "a\nb"}); err == nil {
		t.Error("a path with a line break")
	}
	if none, err := render.Flux(components, nil); err != nil || len(none) != 0 {
		t.Errorf("components alone: %v, error %v", none.Paths(), err)
	}
}
