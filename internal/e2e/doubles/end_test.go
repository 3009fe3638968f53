package doubles_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/process"
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
	a := app.App{Namespace: "web", Name: "web", Identity: f.Identity("rg", "id"), Replicas: 2}
	if err := f.Clusters[0].Apply(t.Context(), a.YAML()); err != nil {
		t.Fatal(err)
	}
	fleet.Await(t, "the pods' processes to run", func() (bool, error) {
		found, err := process.Naming(filepath.Join(f.Dir, "workload"))
		return len(found) == a.Replicas, err
	})
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
	t.Parallel()
	ends := map[string]syscall.Signal{"is interrupted": syscall.SIGINT}
	for _, how := range []string{"fails", "panics", "is interrupted"} { // a time-out of go test's is a panic; StartFleet looks after those that pass
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			if s := ends[how]; s != 0 && signal.Ignored(s) {
				t.Skipf("whoever started these tests has %s ignored, as shells do for what runs in the background", s)
			}
			dir := t.TempDir()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestThatEnds$")
			cmd.Env = append(os.Environ(), endEnv+"="+how, endDir+"="+dir)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd.Stderr = cmd.Stdout
			process.Tie(cmd)
			var said strings.Builder
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for lines := bufio.NewScanner(out); lines.Scan(); {
				fmt.Fprintln(&said, lines.Text())
				if lines.Text() == up && ends[how] != 0 {
					if found := running(t, dir); len(found) != 5+2 {
						t.Errorf("not five programs and two pods run but %d: %v", len(found), found)
					}
					_ = cmd.Process.Signal(ends[how])
				}
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) {
				t.Errorf("it ended with %v:\n%s", err, &said)
			}
			if !strings.Contains(said.String(), up) {
				t.Errorf("the fleet did not start:\n%s", &said)
			}
			fleet.Await(t, "every program to be gone", func() (bool, error) {
				if found := running(t, dir); len(found) > 0 {
					return false, fmt.Errorf("%d run: %v", len(found), found)
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

// running are the programs whose command line names the folder, which a pod's process does in its own name only.
func running(t *testing.T, dir string) map[int]string {
	t.Helper()
	found, err := process.Naming(dir)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
