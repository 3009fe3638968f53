package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/internal/e2e/assets"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/process"
)

// asCommand makes the test binary the command itself: linking it a second time would take longer than it runs.
const asCommand = "WIMIGRATE_E2E_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestUpIsWhatItSaysStopsOnInterruptAndLeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	if signal.Ignored(os.Interrupt) {
		t.Skip("whoever started these tests has interrupts ignored, as shells do for what runs in the background")
	}
	if _, err := assets.Ensure(t.Context(), assets.All(), &assets.Options{Progress: os.Stderr}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "up", "-clusters", "one=eastus", "-nodes", "1", "-seed=false", "-apps", "-rollouts", "-dir", dir)
	cmd.Env = append(os.Environ(), asCommand+"=yes")
	process.Tie(cmd)
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
	if !strings.Contains(said.String(), "context one\tregion eastus\tissuer https://127.0.0.1:") {
		t.Errorf("it said:\n%s%s", &said, &stderr)
	}
	printed(t, said.String())
	fleet.Await(t, "six programs and the pods of two applications", func() (bool, error) {
		if found := running(t, dir, cmd); len(found) != 6+2*2 {
			return false, fmt.Errorf("%d run: %v", len(found), found)
		}
		return true, nil
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &stderr)
	}
	if found := running(t, dir, cmd); len(found) > 0 {
		t.Errorf("%d programs still run: %v", len(found), found)
	}
	for _, name := range []string{"kubeconfig", "fleet.yaml"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// printed does what the command says, from the root of the repository: examples/fleet reads fleet.yaml and finds the applications.
func printed(t *testing.T, said string) {
	t.Helper()
	_, script, _ := strings.Cut(said, "export KUBECONFIG=")
	script, _, found := strings.Cut(script, "\n\n")
	if !found {
		t.Fatalf("it does not say how to use it:\n%s", said)
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-ec", "export KUBECONFIG="+script)
	cmd.Dir = filepath.Join("..", "..", "..", "..")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := process.Run(cmd); err != nil {
		t.Errorf("%s: %v\n%s", script, err, &stderr)
	}
	for _, app := range []string{"web", "orders"} {
		if !regexp.MustCompile(`one +` + app + ` +` + app + ` .*Deployment/` + app).MatchString(stdout.String()) {
			t.Errorf("examples/fleet does not find %s:\n%s", app, &stdout)
		}
	}
}

// A cluster's name that cannot be that of a folder fails late enough for logs to be there.
func TestAFleetThatCannotStartSaysWhereItsLogsAre(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a fleet")
	}
	parent := t.TempDir()
	t.Setenv("TMPDIR", parent)
	err := run(t.Context(), []string{"up", "-clusters", "one\x00=eastus"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "logs are in "+parent) {
		t.Errorf("got %v, want an error that names a folder in %s", err, parent)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, []string{"up"}, io.Discard, io.Discard); !errors.Is(err, errInterrupted) {
		t.Errorf("got %v, want an error of an interrupt", err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 1 {
		t.Errorf("an interrupted start leaves its folder behind: %v, %v", left, err)
	}
}

// running are the programs other than the command itself whose command line names the folder.
func running(t *testing.T, dir string, cmd *exec.Cmd) map[int]string {
	t.Helper()
	found, err := process.Naming(dir)
	if err != nil {
		t.Skip(err)
	}
	delete(found, cmd.Process.Pid)
	return found
}

func TestUsageErrorsNameWhatToDo(t *testing.T) {
	for _, args := range [][]string{nil, {"down"}, {"build", "all"}} {
		if err := run(t.Context(), args, os.Stdout, os.Stderr); err == nil || !strings.Contains(err.Error(), "go -C internal/e2e run ./cmd/fleet") {
			t.Errorf("%v: got %v", args, err)
		}
	}
}
