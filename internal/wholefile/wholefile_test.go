package wholefile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/wimigrate/wimigrate/internal/wholefile"
)

func TestAFileIsReplacedWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "plan.json")
	broken := errors.New("broken")
	for _, step := range []struct {
		name, text, want string
		err              error
	}{
		{"a new file", "one", "one", nil},
		{"another text", "two", "two", nil},
		{"a text that breaks off leaves the old one", "thr", "two", broken},
	} {
		err := wholefile.Write(path, 0o640, func(w io.Writer) error {
			_, err := io.WriteString(w, step.text)
			return errors.Join(err, step.err)
		})
		if !errors.Is(err, step.err) {
			t.Errorf("%s: got %v", step.name, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != step.want {
			t.Errorf("%s: the file holds %q, want %q: %v", step.name, got, step.want, err)
		}
	}
	all, err := os.ReadDir(dir)
	if err != nil || len(all) != 1 {
		t.Errorf("the folder holds %v, want the file alone: %v", all, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v: %v", info, err)
	}
	if err := wholefile.Write(filepath.Join(dir, "none", "x"), 0o600, func(io.Writer) error { return nil }); err == nil {
		t.Error("a file in no folder was written")
	}
}
