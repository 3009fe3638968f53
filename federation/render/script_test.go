package render_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/federation/render"
)

func TestScriptGolden(t *testing.T) {
	cat := fleet()
	plan := planOf(t, cat, state(cat), nil)
	for name, opts := range map[string]*render.ScriptOptions{
		"script-default": nil, "script-literal": {Issuer: render.IssuerLiteral}, "script-cluster": {Layout: render.PerCluster},
	} {
		files, err := render.Script(plan, cat, opts)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, files)
		lintClean(t, files, name == "script-literal")
	}
}

// fakeAZ records its arguments, one per line and calls apart, and answers az aks show with the issuer of the cluster.
const fakeAZ = `#!/usr/bin/env bash
printf '%s\n' "$@" -- >>"$RECORD"
if [[ "$1 $2" == "aks show" ]]; then
  for a in "$@"; do [[ "$a" == --name=* ]] && printf 'https://issuer.example/%s/\n' "${a#--name=}"; done
fi
[[ "$1 $2 $4" != "ad app show" ]]
`

const fakeJQ = `#!/usr/bin/env bash
printf 'json'; for a in "$@"; do printf '|%s' "$a"; done
`

// runScript runs a rendered script under bash with an az and a jq that record.
func runScript(t *testing.T, script []byte) [][]string {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash on this machine")
	}
	dir := t.TempDir()
	record := filepath.Join(dir, "record")
	for name, text := range map[string]string{"az": fakeAZ, "jq": fakeJQ, "trust.sh": string(script)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), bash, filepath.Join(dir, "trust.sh"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"), "RECORD="+record)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, script)
	}
	text, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	var calls [][]string
	for call := range strings.SplitSeq(strings.TrimSuffix(string(text), "--\n"), "--\n") {
		calls = append(calls, strings.Split(strings.TrimSuffix(call, "\n"), "\n"))
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 4 {
		t.Errorf("the script left %v, error %v", left, err)
	}
	return calls
}

func TestTheScriptRuns(t *testing.T) {
	cat := fleet()
	plan := planOf(t, cat, nil, nil)
	files, err := render.Script(plan, cat, &render.ScriptOptions{Layout: render.PerCluster})
	if err != nil {
		t.Fatal(err)
	}
	calls := runScript(t, files["clusters/aks-eastus-01/trust.sh"])
	want := [][]string{
		{"aks", "show", "--subscription=" + subscription1, "--resource-group=rg-eastus", "--name=aks-eastus-01", "--query=oidcIssuerProfile.issuerUrl", "--output=tsv"},
		{"identity", "federated-credential", "create", "--output=none", "--subscription=" + subscription1, "--resource-group=rg-identities", "--identity-name=id-payments",
			"--name=wimigrate-aks-eastus-01_payments_api", "--issuer=https://issuer.example/aks-eastus-01/", "--subject=system:serviceaccount:payments:api", "--audiences=api://AzureADTokenExchange"},
	}
	for _, w := range want {
		if !slices.ContainsFunc(calls, func(c []string) bool { return slices.Equal(c, w) }) {
			t.Errorf("no call\n%q\namong\n%q", w, calls)
		}
	}
	last := calls[len(calls)-1]
	if last[0] != "ad" || !strings.Contains(strings.Join(last, " "), "--id=a4400000-0000-4000-8000-000000000003") ||
		!strings.Contains(strings.Join(last, " "), "|subject|system:serviceaccount:reports:legacy|") {
		t.Errorf("the app registration was called with %q", last)
	}
}

func TestTheScriptStopsWithoutAnIssuer(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash on this machine")
	}
	cat := fleet()
	files, err := render.Script(planOf(t, cat, nil, nil), cat, &render.ScriptOptions{Layout: render.PerCluster})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	az := "#!/usr/bin/env bash\necho \"$@\" >>" + filepath.Join(dir, "record") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "az"), []byte(az), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bash, "-s")
	cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	cmd.Stdin = strings.NewReader(string(files["clusters/aks-westeurope-01/trust.sh"]))
	out, err := cmd.CombinedOutput()
	record, _ := os.ReadFile(filepath.Join(dir, "record"))
	if err == nil || !strings.Contains(string(out), "has no OIDC issuer") || strings.Count(string(record), "\n") != 1 {
		t.Errorf("error %v, output %s, calls %s", err, out, record)
	}
}

func TestWhatAZWouldReadFromAFileIsLeftOut(t *testing.T) {
	cat := fleet()
	plan := planOf(t, cat, nil, nil)
	for i := range plan.Changes {
		plan.Changes[i].Credential.Name = "@/etc/passwd"
	}
	files, err := render.Script(plan, cat, nil)
	if got := reasons(t, err); len(got) != 5 || len(files) != 0 {
		t.Errorf("left out %q, files %v", got, files.Paths())
	}
}
