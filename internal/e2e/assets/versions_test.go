package assets_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/internal/e2e/process"
)

// The tests build examples of the library's own module. One dependency in another version, however small, and all of Kubernetes that
// depends on it is compiled a second time.
func TestTheLibrarysProgramsAreBuiltFromTheSameVersionsAsTheTests(t *testing.T) {
	if testing.Short() {
		t.Skip("may download modules")
	}
	theirs := modules(t, "../../..", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./examples/...")
	ask := []string{"-m", "-f", "{{.Path}} {{.Version}}"}
	for m := range theirs {
		path, _, _ := strings.Cut(m, " ")
		ask = append(ask, path)
	}
	ours := modules(t, ".", ask...)
	for m := range theirs {
		if !ours[m] {
			t.Errorf("the library's go.mod asks for %s, that of the end-to-end tests for another version", m)
		}
	}
}

// modules are the lines that go list prints.
func modules(t *testing.T, dir string, args ...string) map[string]bool {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	list.Dir = dir
	process.Tie(list)
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for m := range strings.Lines(string(out)) {
		found[strings.TrimSpace(m)] = true
	}
	delete(found, "")
	return found
}
