package assets_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/wimigrate/wimigrate/internal/e2e/assets"
	"github.com/wimigrate/wimigrate/internal/e2e/process"
)

// The smallest program stands for all: etcd links in seconds once go has compiled its packages.
func TestOneOfTwoConcurrentBuildersBuildsAndABrokenProgramIsRebuilt(t *testing.T) {
	if testing.Short() {
		t.Skip("builds etcd")
	}
	// First those that everybody needs: two builds at once would each compile what they share.
	if _, err := assets.Ensure(t.Context(), assets.All(), &assets.Options{Progress: os.Stderr}); err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	var progress [2]bytes.Buffer
	var path string
	var group sync.WaitGroup
	for i := range progress {
		group.Go(func() {
			paths, err := assets.Ensure(t.Context(), []assets.Program{assets.Etcd}, &assets.Options{CacheDir: cache, Progress: &progress[i]})
			if err != nil {
				t.Error(err)
			}
			if i == 0 {
				path = paths[assets.Etcd]
			}
		})
	}
	group.Wait()
	if n := strings.Count(progress[0].String()+progress[1].String(), "built etcd"); n != 1 {
		t.Errorf("built %d times, want once:\n%s%s", n, &progress[0], &progress[1])
	}

	if err := os.Truncate(path, 1000); err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if _, err := assets.Ensure(t.Context(), []assets.Program{assets.Etcd}, &assets.Options{CacheDir: cache, Progress: &again}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(again.String(), "built etcd") {
		t.Error("a truncated program was not rebuilt")
	}
	ask := exec.CommandContext(t.Context(), path, "--version")
	process.Tie(ask)
	if out, err := ask.CombinedOutput(); err != nil {
		t.Errorf("the rebuilt program does not run: %v\n%s", err, out)
	}
}
