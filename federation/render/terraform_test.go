package render_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/lint"
	"github.com/wimigrate/wimigrate/federation/render"
)

// terraformForms is every combination that Terraform can be rendered in.
func terraformForms() map[string]*render.TerraformOptions {
	out := map[string]*render.TerraformOptions{"default": nil}
	for _, layout := range []render.Layout{render.PerCluster, render.PerIdentity} {
		for _, issuer := range []render.TerraformIssuer{render.FromInput, render.FromResource, render.FromData, render.FromLiteral} {
			for _, version := range []render.AzureRM{render.AzureRM5, render.AzureRM4, render.AzureRM3} {
				name := string(layout) + "-" + string(issuer) + "-" + string(version)
				out[name] = &render.TerraformOptions{Layout: layout, Issuer: issuer, AzureRM: version}
			}
		}
	}
	return out
}

func TestTerraformRoundTripInEveryForm(t *testing.T) {
	cat := fleet()
	plan := planOf(t, cat, state(cat), nil)
	for name, opts := range terraformForms() {
		t.Run(name, func(t *testing.T) {
			files, err := render.Terraform(plan, cat, opts)
			if err != nil {
				t.Fatal(err)
			}
			got, err := render.ReadTerraform(files, issuersOf(cat), opts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(render.Wanted(plan), got); diff != "" {
				t.Errorf("trust (-plan +files):\n%s", diff)
			}
			for path, text := range files {
				if formatted := hclwrite.Format(text); !bytes.Equal(formatted, text) {
					t.Errorf("%s is not as terraform fmt writes it:\n%s", path, cmp.Diff(string(formatted), string(text)))
				}
				literal := opts != nil && opts.Issuer == render.FromLiteral
				if !literal && bytes.Contains(text, []byte("oic.prod-aks")) {
					t.Errorf("%s holds a literal issuer", path)
				}
				for _, f := range lint.File(path, text, &lint.Options{Catalog: cat}) {
					if f.Fails() || f.Rule != lint.MarkedLiteral || !literal {
						t.Errorf("lint: %+v", f)
					}
				}
			}
		})
	}
}

func TestTerraformGolden(t *testing.T) {
	cat := fleet()
	plan := planOf(t, cat, state(cat), nil)
	for name, opts := range map[string]*render.TerraformOptions{
		"terraform-default":  nil,
		"terraform-resource": {Issuer: render.FromResource, Import: true},
		"terraform-data":     {Issuer: render.FromData, Layout: render.PerIdentity, Subscription: subscription1, AzureRM: render.AzureRM4},
		"terraform-literal":  {Issuer: render.FromLiteral, AzureRM: render.AzureRM3},
		"terraform-identity": {Layout: render.PerIdentity, Subscription: strings.ToUpper(subscription1)},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := render.Terraform(plan, cat, opts)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, files)
		})
	}
}

func TestTerraformRefusesOptionsThatCannotWork(t *testing.T) {
	cat := fleet()
	plan := planOf(t, cat, nil, nil)
	same := func(string) string { return "aks" }
	for name, opts := range map[string]*render.TerraformOptions{
		"unknown layout":             {Layout: "x"},
		"unknown issuer":             {Issuer: "x"},
		"unknown version":            {AzureRM: "2"},
		"imports in a child module":  {Import: true},
		"one label for two clusters": {Issuer: render.FromResource, Label: same},
		"a label that is none":       {Issuer: render.FromData, Label: func(c string) string { return c + "\"" }},
	} {
		if files, err := render.Terraform(plan, cat, opts); err == nil {
			t.Errorf("%s: rendered %v", name, files.Paths())
		}
	}
	if _, err := render.Terraform(nil, cat, nil); err == nil {
		t.Error("rendered no plan")
	}
}

func TestTerraformLeavesOutWhatItMustNotWrite(t *testing.T) {
	cat := fleet()
	cat.Clusters[1].ResourceID = ""
	plan := planOf(t, cat, nil, nil)
	for i := range plan.Identities {
		if strings.HasSuffix(plan.Identities[i].ID, "id-reports") {
			plan.Identities[i].Blocked = "needs more than 20 federated credentials"
		}
	}
	files, err := render.Terraform(plan, cat, &render.TerraformOptions{Issuer: render.FromData})
	want := []string{"the plan blocks the identity", "has no resource ID, which a data source needs", "has no resource ID, which a data source needs"}
	got := reasons(t, err)
	if len(got) != len(want) {
		t.Fatalf("left out %q", got)
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("left out %q, want %q", got[i], want[i])
		}
	}
	read, err := render.ReadTerraform(files, issuersOf(cat), nil)
	if err != nil || len(read) != len(render.Wanted(plan))-len(want) {
		t.Errorf("read %v, error %v", read, err)
	}
}

func TestAStaleIssuerIsNotTurnedIntoAReference(t *testing.T) {
	cat := fleet()
	plan := planOf(t, cat, nil, nil)
	cat.Clusters[0].Issuer = "https://rebuilt.example.com/"
	_, err := render.Terraform(plan, cat, nil)
	if got := reasons(t, err); len(got) != 3 || !strings.Contains(got[0], "not the one that the cluster has") {
		t.Errorf("left out %q", got)
	}
}

func TestReadTerraformNamesWhatItCannotResolve(t *testing.T) {
	const head = `resource "azurerm_federated_identity_credential" "x" {
  name = "n"
  user_assigned_identity_id = "/i"
  audience = ["a"]
  subject = "s"
  issuer = `
	for text, says := range map[string]string{
		head + "var.oidc_issuer_url\n}":                           "no known cluster",
		head + "var.other\n}":                                     "no known cluster",
		head + "local.x[0]\n}":                                    "by number",
		head + "\"${var.a}/x\"\n}":                                "neither a literal nor a reference",
		head + "azurerm_kubernetes_cluster.x.name\n}":             "no known cluster",
		head + "[\"a\", \"b\"]\n}":                                "neither",
		head + "null\n}":                                          "no known cluster",
		strings.Replace(head, "name = \"n\"", "", 1) + "\"i\"\n}": "name is missing",
		"resource \"azuread_application_federated_identity_credential\" \"x\" {\n}":                                                  "application_id is missing",
		"resource \"azuread_application_federated_identity_credential\" \"x\" {\n application_id = data.azuread_application.y.id\n}": "not a data source of this file",
		"resource {": "main.tf",
	} {
		got, err := render.ReadTerraform(render.Files{"main.tf": []byte(text), "other.txt": []byte("{")}, map[string]string{"c": "i"}, nil)
		if err == nil || !strings.Contains(err.Error(), says) || len(got) != 0 {
			t.Errorf("%s\nread %v, error %v, want %q", text, got, err, says)
		}
	}
}

func FuzzReadTerraform(f *testing.F) {
	cat := fleet()
	plan := planOf(f, cat, nil, nil)
	for _, opts := range terraformForms() {
		files, err := render.Terraform(plan, cat, opts)
		if err != nil {
			f.Fatal(err)
		}
		for _, p := range files.Paths() {
			f.Add(files[p])
			break
		}
	}
	issuers := issuersOf(cat)
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := render.ReadTerraform(render.Files{"clusters/aks-eastus-01/federation.tf": text}, issuers, nil)
		for _, trust := range found {
			if trust.Credential == (federation.Credential{}) {
				t.Errorf("an empty credential beside error %v", err)
			}
		}
	})
}
