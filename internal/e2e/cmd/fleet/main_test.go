package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/internal/e2e/assets"
)

func TestUpStopsOnInterruptAndLeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	if _, err := assets.Ensure(t.Context(), assets.ControlPlane(), &assets.Options{Progress: os.Stderr}); err != nil {
		t.Fatal(err)
	}
	program, dir := filepath.Join(t.TempDir(), "fleet"), t.TempDir()
	if err := assets.BuildLocal(t.Context(), "", ".", program); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "up", "-clusters", "one=eastus", "-nodes", "1", "-seed=false", "-dir", dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "Interrupt") {
			break
		}
	}
	if !strings.Contains(said.String(), "context one\tregion eastus\tissuer https://127.0.0.1:") || running(t, dir) == 0 {
		t.Errorf("%d programs run after it said:\n%s%s", running(t, dir), &said, &stderr)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &stderr)
	}
	if n := running(t, dir); n != 0 {
		t.Errorf("%d programs still run", n)
	}
	for _, name := range []string{"kubeconfig", "fleet.yaml"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// running counts the processes whose command line names the folder, other than the command itself.
func running(t *testing.T, dir string) int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(lines) == 0 {
		t.Skip("needs /proc to see what runs")
	}
	n := 0
	for _, l := range lines {
		b, err := os.ReadFile(l)
		if err == nil && bytes.Contains(b, []byte("="+dir)) {
			n++
		}
	}
	return n
}

func TestUsageErrorsNameWhatToDo(t *testing.T) {
	for _, args := range [][]string{nil, {"down"}, {"build", "all"}} {
		if err := run(t.Context(), args, os.Stdout, os.Stderr); err == nil || !strings.Contains(err.Error(), "go -C internal/e2e run ./cmd/fleet") {
			t.Errorf("%v: got %v", args, err)
		}
	}
}
