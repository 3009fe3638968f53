package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBundleIsWhatTheGeneratorWrites: the files in the repository are those of "go generate ./examples/fleet".
func TestBundleIsWhatTheGeneratorWrites(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fleet")
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(contents(t, dir), contents(t, filepath.Join("..", "..", "fleet"))); d != "" {
		t.Errorf("run go generate ./examples/fleet:\n%s", d)
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		out[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
