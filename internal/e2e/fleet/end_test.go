package fleet_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// endEnv asks TestThatEnds for an end; its fleet's files go to the folder that the second variable names.
const endEnv, endDir = "WIMIGRATE_E2E_END", "WIMIGRATE_E2E_END_DIR"

const up = "the fleet is up"

// TestThatEnds is the test whose end the next one looks at; it is no test of its own.
func TestThatEnds(t *testing.T) {
	how := os.Getenv(endEnv)
	if how == "" {
		t.Skip("only the next test runs it")
	}
	f := fleet.StartFleet(t, fleet.Spec{Clusters: []fleet.ClusterSpec{{Name: "one", Region: "eastus", Nodes: 1}}, NoPodIdentity: true, NoWebhook: true,
		Dir: os.Getenv(endDir)})
	fmt.Println(up)
	switch how {
	case "fails":
		t.Fatal("on purpose")
	case "panics":
		panic("on purpose, with " + f.Dir)
	case "is interrupted":
		select {}
	}
}

func TestNoProgramOutlivesItsTest(t *testing.T) {
	if testing.Short() {
		t.Skip("starts control planes")
	}
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("needs /proc to see what runs")
	}
	for _, how := range []string{"passes", "fails", "panics", "is interrupted"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestThatEnds$")
			cmd.Env = append(os.Environ(), endEnv+"="+how, endDir+"="+dir)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd.Stderr = cmd.Stdout
			var said strings.Builder
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for lines := bufio.NewScanner(out); lines.Scan(); {
				fmt.Fprintln(&said, lines.Text())
				if lines.Text() == up && how == "is interrupted" {
					if n := running(t, dir); n < 5 {
						t.Errorf("only %d programs run", n)
					}
					_ = cmd.Process.Signal(syscall.SIGINT)
				}
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); (err == nil) != (how == "passes") || err != nil && !errors.As(err, &exit) {
				t.Errorf("it ended with %v:\n%s", err, &said)
			}
			if !strings.Contains(said.String(), up) {
				t.Errorf("the fleet did not start:\n%s", &said)
			}
			fleet.Await(t, "every program to be gone", func() (bool, error) {
				n := running(t, dir)
				if n > 0 {
					return false, fmt.Errorf("%d run", n)
				}
				return true, nil
			})
			if how == "fails" && !strings.Contains(said.String(), "logs are in "+dir) {
				t.Errorf("it does not say where the logs are:\n%s", &said)
			}
			if _, err := os.Stat(filepath.Join(dir, "one-0", "kube-apiserver.log")); err != nil {
				t.Error(err)
			}
		})
	}
}

// running counts the processes whose command line names the folder.
func running(t *testing.T, dir string) int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, l := range lines {
		if b, err := os.ReadFile(l); err == nil && bytes.Contains(b, []byte("="+dir)) {
			n++
		}
	}
	return n
}
