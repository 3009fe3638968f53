package render_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/federation/lint"
	"github.com/wimigrate/wimigrate/federation/render"
)

func TestASORoundTripInEveryForm(t *testing.T) {
	cat := fleet()
	plan := planOf(t, cat, state(cat), nil)
	own := func(cluster string) (string, string) { return "issuer-" + cluster, "url" }
	for name, opts := range map[string]*render.ASOOptions{
		"aso-default":  nil,
		"aso-literal":  {Issuer: render.IssuerLiteral, DeleteWithObject: true},
		"aso-identity": {Layout: render.PerIdentity, Namespace: "azure", ConfigMap: own},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := render.ASO(plan, cat, opts)
			if got := reasons(t, err); len(got) != 1 || !strings.Contains(got[0], "app registration") {
				t.Errorf("left out %q", got)
			}
			golden(t, name, files)
			got, err := render.ReadYAML(files, issuersOf(cat), opts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(withoutApplications(render.Wanted(plan)), got); diff != "" {
				t.Errorf("trust (-plan +files):\n%s", diff)
			}
			lintClean(t, files, opts != nil && opts.Issuer == render.IssuerLiteral)
		})
	}
}

func TestCrossplaneRoundTripInEveryForm(t *testing.T) {
	cat := fleet()
	plan := planOf(t, cat, state(cat), nil)
	for name, opts := range map[string]*render.CrossplaneOptions{
		"crossplane-default": nil,
		"crossplane-literal": {Issuer: render.IssuerLiteral, ProviderConfig: "prod", DeleteWithObject: true},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := render.Crossplane(plan, cat, opts)
			if got := reasons(t, err); len(got) != 1 || !strings.Contains(got[0], "app registration") {
				t.Errorf("left out %q", got)
			}
			golden(t, name, files)
			got, err := render.ReadYAML(files, issuersOf(cat), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(withoutApplications(render.Wanted(plan)), got); diff != "" {
				t.Errorf("trust (-plan +files):\n%s", diff)
			}
			lintClean(t, files, opts != nil)
		})
	}
}

// lintClean holds what is rendered against this library's own lint: no issuer at all, or marked ones.
func lintClean(t *testing.T, files render.Files, literal bool) {
	t.Helper()
	notes := 0
	for path, text := range files {
		for _, f := range lint.File(path, text, nil) {
			notes++
			if f.Rule != lint.MarkedLiteral {
				t.Errorf("lint: %s:%d: %s", f.File, f.Line, f.Message)
			}
		}
	}
	if (notes > 0) != literal {
		t.Errorf("%d literal issuers, want some: %v", notes, literal)
	}
}

func TestAClusterThatNothingCanReferToIsLeftOut(t *testing.T) {
	cat := fleet()
	for i := range cat.Clusters {
		cat.Clusters[i].ResourceID = ""
	}
	plan := planOf(t, cat, nil, nil)
	_, crossplane := render.Crossplane(plan, cat, nil)
	_, bicep := render.Bicep(plan, cat, nil)
	_, script := render.Script(plan, cat, nil)
	for name, err := range map[string]error{"crossplane": crossplane, "bicep": bicep, "script": script} {
		if got := reasons(t, err); len(got) != 5 {
			t.Errorf("%s left out %q", name, got)
		}
	}
	if _, err := render.ASO(plan, cat, nil); len(reasons(t, err)) != 1 {
		t.Errorf("ASO needs no resource ID: %v", err)
	}
}

func TestUnknownOptionsAreErrors(t *testing.T) {
	cat := fleet()
	plan := planOf(t, cat, nil, nil)
	_, aso1 := render.ASO(plan, cat, &render.ASOOptions{Layout: "x"})
	_, aso2 := render.ASO(plan, cat, &render.ASOOptions{Issuer: "x"})
	_, crossplane := render.Crossplane(plan, cat, &render.CrossplaneOptions{Issuer: "x"})
	_, bicep := render.Bicep(plan, cat, &render.BicepOptions{Issuer: "x"})
	_, script := render.Script(plan, cat, &render.ScriptOptions{Layout: "x"})
	for i, err := range []error{aso1, aso2, crossplane, bicep, script} {
		if err == nil {
			t.Errorf("option %d was taken", i)
		}
	}
}

func TestReadYAMLNamesWhatItCannotResolve(t *testing.T) {
	const aso = "apiVersion: managedidentity.azure.com/v1api20230131\nkind: FederatedIdentityCredential\nmetadata: {name: x}\nspec: "
	for text, says := range map[string]string{
		aso + "{audiences: [a], owner: {armId: /i}, issuerFromConfig: {name: nobody, key: issuer}}": "no known cluster",
		aso + "{audiences: [a, b], owner: {armId: /i}}":                                             "one audience",
		aso + "{audiences: [a]}":             "armId",
		aso + "[]":                           "document 1",
		"a: [":                               "document 1",
		"---\n--- # x\n" + aso + "{}\n...\n": "document 3",
		"apiVersion: managedidentity.azure.upbound.io/v1beta1\nkind: FederatedIdentityCredential\nspec: {forProvider: {parentId: /i}}": "one audience",
	} {
		got, err := render.ReadYAML(render.Files{"x.yaml": []byte(text), "x.txt": []byte("a: [")}, map[string]string{"c": "i"}, nil)
		if err == nil || !strings.Contains(err.Error(), says) || len(got) != 0 {
			t.Errorf("%s\nread %v, error %v, want %q", text, got, err, says)
		}
	}
	for _, text := range []string{"", "# nothing\n", "apiVersion: 7\n", "apiVersion: v1\nkind: ConfigMap\nspec: []\n", "- a\n"} {
		if got, err := render.ReadYAML(render.Files{"x.yml": []byte(text)}, nil, nil); len(got) != 0 || err != nil && text != "- a\n" {
			t.Errorf("%q: read %v, error %v", text, got, err)
		}
	}
}

func FuzzReadYAML(f *testing.F) {
	cat := fleet()
	plan := planOf(f, cat, nil, nil)
	aso, _ := render.ASO(plan, cat, nil)
	crossplane, _ := render.Crossplane(plan, cat, nil)
	literal, _ := render.Crossplane(plan, cat, &render.CrossplaneOptions{Issuer: render.IssuerLiteral})
	for _, files := range []render.Files{aso, crossplane, literal} {
		for _, p := range files.Paths() {
			f.Add(files[p])
		}
	}
	f.Add([]byte("--- a: 1\n...\n---\n"))
	issuers := issuersOf(cat)
	f.Fuzz(func(t *testing.T, text []byte) {
		found, _ := render.ReadYAML(render.Files{"a.yaml": text}, issuers, nil)
		for _, trust := range found {
			if trust.Identity == "" {
				t.Errorf("trust in nothing: %+v", trust)
			}
		}
	})
}
