package wimigrate_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/wimigrate/wimigrate"

// importRules is the direction of the library: what a package and its non-test dependencies must never reach.
var importRules = []struct {
	pkg   string // relative to the module; "…/…" takes the packages below as well
	never []string
	why   string
}{
	{"credential", []string{"k8s.io/", module + "/catalog", module + "/federation", module + "/cutover", module + "/internal"},
		"an application's credential stands alone"},
	{"credential/credentialtest", []string{"k8s.io/", module + "/catalog", module + "/federation", module + "/cutover", module + "/internal"},
		"users' application tests link no Kubernetes"},
	{"catalog", []string{"github.com/Azure/", module + "/federation", module + "/cutover", module + "/credential"},
		"the catalog reads Kubernetes; only catalog/aks reads Azure"},
	{"catalog/aks", []string{module + "/federation", module + "/cutover", module + "/credential"}, "sources know the catalog alone"},
	{"federation", []string{"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager", module + "/cutover", module + "/credential"},
		"the planner links no management SDK"},
	{"federation/armfic", []string{module + "/cutover", module + "/credential"}, "stores know federation alone"},
	{"federation/graphfic", []string{module + "/cutover", module + "/credential"}, "stores know federation alone"},
	{"federation/issuer", []string{module + "/cutover", module + "/credential"}, "issuers know federation alone"},
	{"federation/render", []string{"github.com/Azure/", module + "/cutover", module + "/credential"}, "files are rendered from values"},
	{"federation/lint", []string{"github.com/Azure/", module + "/cutover", module + "/credential"}, "lint reads text"},
	{"cutover", []string{"github.com/Azure/", module + "/credential"}, "the cutover takes Azure through functions"},
}

// TestImportRules reads every .go file first: go test caches by the files that the test itself opens, and go list reads in a
// subprocess, so without it an old pass would be served after a forbidden import appeared.
func TestImportRules(t *testing.T) {
	touchSources(t)
	for _, rule := range importRules {
		t.Run(rule.pkg, func(t *testing.T) {
			for _, dep := range deps(t, rule.pkg) {
				for _, bad := range rule.never {
					if strings.HasPrefix(dep, bad) {
						t.Errorf("%s depends on %s: %s", rule.pkg, dep, rule.why)
					}
				}
			}
		})
	}
}

// TestDoublesStayInTests: a …test package is imported by tests, examples and other doubles only.
func TestDoublesStayInTests(t *testing.T) {
	touchSources(t)
	out := goList(t, "-json=ImportPath,Imports", "./...")
	for dec := json.NewDecoder(strings.NewReader(out)); dec.More(); {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(p.ImportPath, "test") || strings.HasPrefix(p.ImportPath, module+"/examples/") {
			continue
		}
		for _, imp := range p.Imports {
			if strings.HasPrefix(imp, module) && strings.HasSuffix(imp, "test") {
				t.Errorf("%s imports the double %s", p.ImportPath, imp)
			}
		}
	}
}

func deps(t *testing.T, pkg string) []string {
	t.Helper()
	all := strings.Fields(goList(t, "-deps", "./"+pkg))
	return slices.DeleteFunc(all, func(p string) bool { return p == module+"/"+pkg })
}

func goList(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return string(out)
}

func touchSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		_, err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
