package render_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/render"
)

// hostile are texts that would break out of a format that forgot to quote.
var hostile = []string{
	`"`, `'`, `'''`, "`id`", `$(touch pwned)`, `${touch}`, `$${x}`, `%{ if true }`, `\`, `\\"`, `\'`, `"}` + ` resource "x" "y" {`, `# comment`, `// x`, `/* x */`,
	`a: b`, `- a`, `{{ x }}`, `{a: b}`, `[a]`, `&a`, `*a`, `!!int 1`, `|`, `>`, `%TAG`, `@at`, `null`, `true`, `0x1f`, `1e3`, `~`, `2026-01-01`, ` lead`, `trail `, `;`, `&& x`, `| x`, `<<EOF`, `*`, `~root`, `!x`,
	`é`, `日本`, strings.Repeat("long ", 60), `--name=x`, `-rf`, `../../etc`, `/abs`, `.`, `..`, `EOT`, `---`, `...`, `system:serviceaccount:a:b`,
}

// hostilePlan puts the text wherever a plan and a catalog have text that comes from outside. The planner would refuse much of it: a
// saved plan can hold it all the same.
func hostilePlan(t *testing.T, text string) (*federation.Plan, render.Files, map[string]string) {
	t.Helper()
	cat := fleet()
	plan := planOf(t, cat, nil, nil)
	segment := strings.ReplaceAll(text, "/", "_") // of a resource ID
	id := func(s string) string {
		return strings.NewReplacer("/rg-", "/"+segment+"rg-", "/id-", "/"+segment+"id-").Replace(s)
	}
	for i := range cat.Clusters {
		c := &cat.Clusters[i]
		c.Name += text
		c.ResourceID = id(c.ResourceID) + segment
		c.Issuer += text
	}
	for i := range cat.Needs {
		n := &cat.Needs[i]
		n.Cluster, n.Namespace, n.ServiceAccount = n.Cluster+text, n.Namespace+text, n.ServiceAccount+text
		n.Identity.ResourceID = id(n.Identity.ResourceID)
		for w := range n.Workloads {
			n.Workloads[w].Name += text
		}
	}
	for i := range plan.Identities {
		p := &plan.Identities[i]
		p.ID, p.Identity.ResourceID = id(p.ID), id(p.Identity.ResourceID)
		p.Identity.ClientID += text
		if p.Identity.Kind == catalog.Application {
			p.ID += text
		}
	}
	for i := range plan.Changes {
		c := &plan.Changes[i]
		if c.Identity = id(c.Identity); !strings.HasPrefix(c.Identity, "/") {
			c.Identity += text
		}
		c.Cluster, c.Namespace, c.ServiceAccount = c.Cluster+text, c.Namespace+text, c.ServiceAccount+text
		c.Credential.Name = "n" + text
		c.Credential.Issuer += text
		c.Credential.Subject += text
		c.Credential.Audience += text
	}
	issuers := issuersOf(cat)
	all := render.Files{}
	add := func(dir string, files render.Files, err error) {
		t.Helper()
		if err != nil {
			reasons(t, err)
		}
		merged, err := render.Merge(all, files.Under(dir))
		if err != nil {
			t.Fatal(err)
		}
		all = merged
	}
	files, err := render.Terraform(plan, cat, nil)
	add("terraform", files, err)
	files, err = render.Terraform(plan, cat, &render.TerraformOptions{Layout: render.PerIdentity, Issuer: render.FromLiteral, Subscription: "x"})
	add("terraform-literal", files, err)
	files, err = render.ASO(plan, cat, nil)
	add("aso", files, err)
	files, err = render.Crossplane(plan, cat, nil)
	add("crossplane", files, err)
	files, err = render.Bicep(plan, cat, nil)
	add("bicep", files, err)
	files, err = render.Script(plan, cat, &render.ScriptOptions{Layout: render.PerCluster})
	add("script", files, err)
	files, err = render.Kustomize(plan, cat, nil)
	add("kustomize", files, err)
	return plan, all, issuers
}

func below(files render.Files, dir string) render.Files {
	out := render.Files{}
	for p, text := range files {
		if rest, ok := strings.CutPrefix(p, dir+"/"); ok {
			out[rest] = text
		}
	}
	return out
}

func TestHostileNamesNeverBreakOutOfAnyFormat(t *testing.T) {
	t.Parallel()
	for _, text := range hostile {
		t.Run(text, func(t *testing.T) {
			plan, all, issuers := hostilePlan(t, text)
			want := render.Wanted(plan)
			if len(want) != 5 {
				t.Fatalf("%d triples are wanted, not 5", len(want))
			}
			for _, dir := range []string{"terraform", "terraform-literal"} {
				got, err := render.ReadTerraform(below(all, dir), issuers, nil)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-plan +files):\n%s", dir, diff)
				}
			}
			for _, dir := range []string{"aso", "crossplane"} {
				got, err := render.ReadYAML(below(all, dir), issuers, nil)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(withoutApplications(want), got); diff != "" {
					t.Errorf("%s (-plan +files):\n%s", dir, diff)
				}
			}
			for p, content := range all {
				if strings.HasSuffix(p, ".bicep") {
					balanced(t, p, string(content))
				}
			}
			dir := t.TempDir()
			if _, err := render.Write(dir, all, nil); err != nil {
				t.Errorf("write: %v", err)
			}
		})
	}
}

func TestHostileNamesNeverBreakOutOfTheScript(t *testing.T) {
	t.Parallel()
	for _, text := range hostile {
		if strings.Contains(text, "--") { // the recorder's own separator
			continue
		}
		plan, all, _ := hostilePlan(t, text)
		subjects := map[string]bool{}
		for _, w := range render.Wanted(plan) {
			subjects["--subject="+w.Credential.Subject] = true
		}
		made := 0
		for p, script := range below(all, "script") {
			for _, call := range runScript(t, script) {
				if call[0] == "identity" {
					made++
				}
				if call[0] == "identity" && (len(call) != 11 || !subjects[call[9]] || call[7] != "--name=n"+text) {
					t.Errorf("%s: %q: call %q", text, p, call)
				}
			}
		}
		if made != 4 {
			t.Errorf("%s: %d credentials were made, not 4", text, made)
		}
	}
}

// balanced walks Bicep's text as its scanner would: strings, comments, and brackets that match at the end.
func balanced(t *testing.T, name, text string) {
	t.Helper()
	var open []byte
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '/':
			if strings.HasPrefix(text[i:], "//") {
				i += strings.IndexByte(text[i:], '\n')
			}
		case '\'':
			for i++; text[i] != '\''; i++ {
				if text[i] == '\\' {
					i++
				} else if strings.HasPrefix(text[i:], "${") || text[i] == '\n' {
					t.Fatalf("%s: a string breaks at %q", name, text[i:min(len(text), i+20)])
				}
			}
		case '{', '[', '(':
			open = append(open, c)
		case '}', ']', ')':
			open = open[:max(len(open)-1, 0)]
		}
	}
	if len(open) != 0 {
		t.Errorf("%s: brackets do not match", name)
	}
	for line := range strings.Lines(text) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !slices.Contains([]string{"", "//", "}", "]", "targetScope", "resource", "module", "name:", "scope:", "parent:", "properties:", "audiences:", "issuer:", "subject:", "dependsOn:"}, word) &&
			!strings.HasPrefix(word, "'") && !strings.HasPrefix(word, "credential") {
			t.Errorf("%s: a line that nobody wrote: %q", name, line)
		}
	}
}

func TestTextThatIsNotPrintableIsRefusedAsAWhole(t *testing.T) {
	for _, text := range []string{"a\nb", "a\x00", "a\u2028b", "a\u202eb", "\xff", "a\u00a0", "\u200b", "e\u0301"} {
		cat := fleet()
		cat.Clusters[0].Name += text
		for i := range cat.Needs[:3] {
			cat.Needs[i].Cluster += text
		}
		plan := planOf(t, cat, nil, nil)
		for name, err := range renderAll(plan, cat) {
			if !strings.Contains(err.Error(), "not printable") {
				t.Errorf("%+q: %s: error %v", text, name, err)
			}
		}
	}
}
