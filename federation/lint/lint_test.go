package lint_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation/lint"
)

const (
	tenant  = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
	east    = "https://eastus.oic.prod-aks.azure.com/" + tenant + "/11111111-2222-4333-8444-555555555555/"
	rebuilt = "https://eastus.oic.prod-aks.azure.com/" + tenant + "/99999999-2222-4333-8444-555555555555/"
	onPrem  = "https://issuer.contoso.example/onprem-01"
)

func fleet() *catalog.Catalog {
	return &catalog.Catalog{Clusters: []catalog.Cluster{
		{
			Name: "aks-eastus-01", Issuer: east,
			ResourceID: "/subscriptions/5a1e0000-0000-4000-8000-000000000001/resourceGroups/rg-east/providers/Microsoft.ContainerService/managedClusters/aks-eastus-01",
		},
		{Name: "onprem-01", Issuer: onPrem},
	}}
}

// verdict is what most tables compare.
type verdict struct {
	Rule    lint.Rule
	Line    int
	Column  int
	Fails   bool
	Cluster string
}

func verdicts(found []lint.Finding) []verdict {
	var out []verdict
	for _, f := range found {
		out = append(out, verdict{f.Rule, f.Line, f.Column, f.Fails(), f.Cluster})
	}
	return out
}

func TestEveryShapeOfIssuerIsFound(t *testing.T) {
	tests := map[string]struct {
		file, text string
		want       []verdict
	}{
		"the current shape":                  {"a.tf", `issuer = "` + east + `"`, []verdict{{lint.PastedIssuer, 1, 11, true, ""}}},
		"the legacy shape":                   {"a.tf", `issuer = "https://oidc.prod-aks.azure.com/` + tenant + `/"`, []verdict{{lint.PastedIssuer, 1, 11, true, ""}}},
		"US Government":                      {"a.yaml", "issuer: https://usgovvirginia.oic.prod-aks.azure.us/" + tenant + "/" + tenant + "/", []verdict{{lint.PastedIssuer, 1, 9, true, ""}}},
		"China":                              {"a.sh", "ISSUER=https://chinanorth2.oic.prod-aks.azure.cn/" + tenant + "/" + tenant + "/", []verdict{{lint.PastedIssuer, 1, 8, true, ""}}},
		"a cloud that is not public":         {"a.sh", "ISSUER=https://x.oic.prod-aks.azure.eaglex.ic.gov/" + tenant + "/", []verdict{{lint.PastedIssuer, 1, 8, true, ""}}},
		"without the scheme":                 {"a.bicep", "var host = '" + strings.TrimPrefix(east, "https://") + "'", []verdict{{lint.PastedIssuer, 1, 13, true, ""}}},
		"JSON-escaped":                       {"a.json", `{"issuer": "` + strings.ReplaceAll(east, "/", `\/`) + `"}`, []verdict{{lint.PastedIssuer, 1, 13, true, ""}}},
		"percent-encoded":                    {"a.md", "open https%3A%2F%2Feastus.oic.prod-aks.azure.com%2F" + tenant + "%2F", []verdict{{lint.PastedIssuer, 1, 6, true, ""}}},
		"in capitals":                        {"a.md", strings.ToUpper(east), []verdict{{lint.PastedIssuer, 1, 1, true, ""}}},
		"two on a line, after other letters": {"a.md", "ü " + east + " then " + rebuilt + ".", []verdict{{lint.PastedIssuer, 1, 3, true, ""}, {lint.PastedIssuer, 1, 3 + len(east) + 6, true, ""}}},
		"the discovery document of a cluster": {"a.sh", "curl " + east + ".well-known/openid-configuration",
			[]verdict{{lint.PastedIssuer, 1, 6, true, ""}}},
		"built by Terraform":       {"a.tf", `issuer = "https://${var.region}.oic.prod-aks.azure.com/${var.tenant}/${var.id}/"`, []verdict{{lint.BuiltIssuer, 1, 11, true, ""}}},
		"built by format":          {"a.tf", `issuer = format("https://%s.oic.prod-aks.azure.com/%s/%s/", a, b, c)`, []verdict{{lint.BuiltIssuer, 1, 18, true, ""}}},
		"built by the shell":       {"a.sh", `I="https://$REGION.oic.prod-aks.azure.com/$TENANT/$ID/"`, []verdict{{lint.BuiltIssuer, 1, 4, true, ""}}},
		"built by Helm":            {"a.yaml", `issuer: "https://{{ .region }}.oic.prod-aks.azure.com/{{ .tenant }}/"`, []verdict{{lint.BuiltIssuer, 1, 10, true, ""}}},
		"a placeholder":            {"a.md", "looks like https://{region}.oic.prod-aks.azure.com/{tenant-guid}/{guid}/", nil},
		"another placeholder":      {"a.md", "looks like https://<region>.oic.prod-aks.azure.com/<tenant>/<id>/", nil},
		"a mere check of the host": {"a.tf", `condition = endswith(local.host, ".oic.prod-aks.azure.com")`, nil},
		"another URL with a GUID":  {"a.md", "https://login.microsoftonline.com/" + tenant + "/v2.0", nil},
		"a reference":              {"a.tf", `issuer = azurerm_kubernetes_cluster.aks.oidc_issuer_url`, nil},
		"a file of another kind":   {"a.go", east, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := verdicts(lint.File(tt.file, []byte(tt.text), nil))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheCatalogNamesClustersAndKnowsWhatIsDead(t *testing.T) {
	tests := map[string]struct {
		text, says string
		want       verdict
	}{
		"the issuer of a cluster":              {east, "aks-eastus-01 is pasted", verdict{lint.PastedIssuer, 1, 1, true, "aks-eastus-01"}},
		"an issuer that is not AKS's":          {onPrem + "/openid/v1/jwks", "onprem-01", verdict{lint.UnknownIssuer, 1, 1, true, "onprem-01"}},
		"the issuer before the rebuild":        {rebuilt, "rebuilt or is gone", verdict{lint.UnknownIssuer, 1, 1, true, ""}},
		"the slash at the end is missing":      {strings.TrimSuffix(east, "/"), "without the slash", verdict{lint.UnknownIssuer, 1, 1, true, "aks-eastus-01"}},
		"a slash too many":                     {onPrem + "/", "slash too many", verdict{lint.UnknownIssuer, 1, 1, true, "onprem-01"}},
		"the letter case differs":              {strings.Replace(east, "eastus", "EastUS", 1), "letter case", verdict{lint.UnknownIssuer, 1, 1, true, "aks-eastus-01"}},
		"a longer URL below the issuer's host": {onPrem, "onprem-01 is pasted", verdict{lint.PastedIssuer, 1, 1, true, "onprem-01"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			found := lint.File("runbook.md", []byte(tt.text), &lint.Options{Catalog: fleet()})
			if diff := cmp.Diff([]verdict{tt.want}, verdicts(found)); diff != "" {
				t.Fatalf("findings (-want +got):\n%s", diff)
			}
			if !strings.Contains(found[0].Message, tt.says) {
				t.Errorf("message %q does not say %q", found[0].Message, tt.says)
			}
		})
	}
}

func TestAnUnknownIssuerOfACatalogWithGapsIsNotCalledDead(t *testing.T) {
	cat := fleet()
	cat.Clusters = append(cat.Clusters, catalog.Cluster{Name: "unread"})
	found := lint.File("a.md", []byte(rebuilt), &lint.Options{Catalog: cat})
	if len(found) != 1 || !strings.Contains(found[0].Message, "the issuer of some is not known") {
		t.Errorf("findings %+v do not admit that the catalog is incomplete", found)
	}
}

func TestCommentsAreNotesAndOnlyComments(t *testing.T) {
	note := func(line, col int) []verdict { return []verdict{{lint.CommentedIssuer, line, col, false, ""}} }
	pasted := func(line, col int) []verdict { return []verdict{{lint.PastedIssuer, line, col, true, ""}} }
	tests := map[string]struct {
		file, text string
		want       []verdict
	}{
		"HCL #":                               {"a.tf", "# " + east, note(1, 3)},
		"HCL //":                              {"a.tf", "// " + east, note(1, 4)},
		"HCL /* over lines */":                {"a.tf", "/*\n" + east + "\n*/", note(2, 1)},
		"a # within an HCL string":            {"a.tf", `x = "# ` + east + `"`, pasted(1, 8)},
		"a # within an HCL heredoc":           {"a.tf", "x = <<EOT\n# " + east + "\nEOT\n", pasted(2, 3)},
		"Bicep //":                            {"a.bicep", "// " + east, note(1, 4)},
		"Bicep /* */ between quotes":          {"a.bicep", "var a = 'it\\'s' /* " + east + " */", note(1, 20)},
		"a // within a Bicep string":          {"a.bicep", "var a = '// " + east + "'", pasted(1, 13)},
		"a // within a long Bicep string":     {"a.bicep", "var a = '''\n// " + east + "\n'''", pasted(2, 4)},
		"YAML #":                              {"a.yaml", "a: 1 # " + east, note(1, 8)},
		"a # within a quoted YAML scalar":     {"a.yaml", `a: "b # ` + east + `"`, pasted(1, 9)},
		"a # within a scalar over two lines":  {"a.yaml", "a: \"b\n  # " + east + "\"", pasted(2, 5)},
		"a # within a block scalar":           {"a.yaml", "data:\n  run.sh: |\n    # " + east + "\n", pasted(3, 7)},
		"a # after a block scalar":            {"a.yaml", "data:\n  run.sh: |-\n    x\n  # " + east + "\n", note(4, 5)},
		"a # without white space before":      {"a.yaml", "a: b#" + east, pasted(1, 6)},
		"an apostrophe inside a word":         {"a.yaml", "a: it's # " + east, note(1, 11)},
		"shell #":                             {"a.sh", "echo # " + east, note(1, 8)},
		"a # within shell quotes":             {"a.sh", "echo 'a # " + east + "'", pasted(1, 11)},
		"a # within shell quotes over lines":  {"a.sh", "echo 'a\n # " + east + "'", pasted(2, 4)},
		"a # within a here-document":          {"a.sh", "cat <<'EOF'\n# " + east + "\nEOF\n", pasted(2, 3)},
		"a # after a here-document":           {"a.sh", "cat <<EOF\nx\nEOF\n# " + east, note(4, 3)},
		"PowerShell, a line of comment":       {"a.ps1", "  # " + east, note(1, 5)},
		"PowerShell, a # behind code":         {"a.ps1", "a # " + east, pasted(1, 5)},
		"Markdown <!-- -->":                   {"a.md", "<!--\n" + east + "\n-->", note(2, 1)},
		"a Markdown heading":                  {"a.md", "# " + east, pasted(1, 3)},
		"JSON has none, but jsonc and ARM do": {"a.json", "// " + east, note(1, 4)},
		"Terraform's JSON has none":           {"a.tf.json", `{"//": "` + east + `"}`, pasted(1, 9)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, verdicts(lint.File(tt.file, []byte(tt.text), nil))); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPersonsDecisionIsKept(t *testing.T) {
	tests := map[string]struct {
		file, text string
		ignored    bool
		reason     string
	}{
		"on the line":                       {"a.tf", `i = "` + east + `" # wimigrate:ignore pasted-issuer partner cluster`, true, "partner cluster"},
		"alone on the line above":           {"a.tf", "# wimigrate:ignore pasted-issuer partner cluster\ni = \"" + east + `"`, true, "partner cluster"},
		"in a Markdown comment":             {"a.md", east + " <!-- wimigrate:ignore pasted-issuer example -->", true, "example"},
		"in JSON, as a member above":        {"a.json", "{\n\"//\": \"wimigrate:ignore pasted-issuer fixture\",\n\"i\": \"" + east + "\"}", true, "fixture"},
		"for another rule":                  {"a.tf", `i = "` + east + `" # wimigrate:ignore built-issuer x`, false, ""},
		"for no rule":                       {"a.tf", `i = "` + east + `" # wimigrate:ignore`, false, ""},
		"in a string, not in a comment":     {"a.tf", `i = "` + east + ` wimigrate:ignore pasted-issuer x"`, false, ""},
		"two lines above":                   {"a.tf", "# wimigrate:ignore pasted-issuer x\n\ni = \"" + east + `"`, false, ""},
		"on the line above, behind a value": {"a.tf", "a = 1 # wimigrate:ignore pasted-issuer x\ni = \"" + east + `"`, false, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			found := lint.File(tt.file, []byte(tt.text), nil)
			if len(found) != 1 || found[0].Ignored != tt.ignored || found[0].Reason != tt.reason || found[0].Fails() == tt.ignored {
				t.Errorf("findings %+v, want ignored %v for %q", found, tt.ignored, tt.reason)
			}
		})
	}
}

func TestAMarkedLiteralIsANoteAsLongAsAClusterHasIt(t *testing.T) {
	text := func(issuer string) []byte {
		return []byte("# wimigrate:literal-issuer of aks-eastus-01\nissuer = \"" + issuer + "\"\n")
	}
	for name, tt := range map[string]struct {
		issuer string
		opts   *lint.Options
		want   verdict
	}{
		"without a catalog":              {east, nil, verdict{lint.MarkedLiteral, 2, 11, false, ""}},
		"with a cluster that has it":     {east, &lint.Options{Catalog: fleet()}, verdict{lint.MarkedLiteral, 2, 11, false, "aks-eastus-01"}},
		"after the cluster was rebuilt":  {rebuilt, &lint.Options{Catalog: fleet()}, verdict{lint.UnknownIssuer, 2, 11, true, ""}},
		"with the letter case corrupted": {strings.ToUpper(east), &lint.Options{Catalog: fleet()}, verdict{lint.UnknownIssuer, 2, 11, true, "aks-eastus-01"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]verdict{tt.want}, verdicts(lint.File("a.tf", text(tt.issuer), tt.opts))); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzFile(f *testing.F) {
	for _, name := range []string{"a.tf", "a.tfvars", "a.tf.json", "a.bicep", "a.yaml", "a.json", "a.md", "a.sh", "a.ps1"} {
		f.Add(name, []byte("# x\n/* '''\" "+east+" |\n  "+rebuilt+"\n<<EOF <!--\n"))
	}
	f.Add("a.ps1", []byte("\xff\xfeh\x00t\x00t\x00p\x00"))
	opts := &lint.Options{Catalog: fleet()}
	f.Fuzz(func(t *testing.T, name string, src []byte) {
		lines := strings.Count(string(src), "\n") + 1
		for _, found := range lint.File(name, src, opts) {
			if found.Line < 1 || found.Line > lines+len(src) || found.Column < 1 || found.EndColumn <= found.Column || found.Text == "" || found.Instead == "" {
				t.Fatalf("finding out of place: %+v", found)
			}
		}
		// Whatever stands around it, an issuer on a line of its own is found in a language without comments.
		alone := append(append([]byte{'x'}, src...), []byte("\n"+east+"\n")...)
		if found := lint.File("a.tf.json", alone, nil); len(found) == 0 {
			t.Fatalf("lost the issuer behind %q", src)
		}
	})
}
