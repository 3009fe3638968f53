//go:build unix

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/process"
)

const (
	sleeperEnv  = "WIMIGRATE_E2E_SLEEPER"
	sleeperSays = "slept "
)

// sleeperOrder tells a process what to move, and before which of its writes to fall asleep.
type sleeperOrder struct {
	Kubeconfig, Cluster, Plan string
	At                        int
}

// slept is what a process that woke up has to say.
type slept struct {
	Fenced bool
	Error  string
}

// sleeper stops its process before a write: the runner has read the object and written its intent down, and knows of nothing that happens
// until it is woken.
type sleeper struct {
	cutover.Cluster
	at   int64
	seen atomic.Int64
}

// Write implements cutover.Cluster.
func (s *sleeper) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	if s.seen.Add(1) == s.at {
		if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
			return nil, err
		}
		if _, err := os.Stdin.Read(make([]byte, 1)); err != nil { // until somebody says that it may go on
			return nil, err
		}
	}
	return s.Cluster.Write(ctx, w)
}

// TestSleeperProcess is the process that the test of the fence stops and wakes; it is no test of its own.
func TestSleeperProcess(t *testing.T) {
	text := os.Getenv(sleeperEnv)
	if text == "" {
		t.Skip("only the test of the fence runs it")
	}
	var o sleeperOrder
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	err := o.carryOut(t.Context())
	line, _ := json.Marshal(slept{errors.Is(err, cutover.ErrFenced), fmt.Sprint(err)})
	fmt.Printf("\n%s%s\n", sleeperSays, line)
}

func (o sleeperOrder) carryOut(ctx context.Context) error {
	plan, err := readPlan(o.Plan)
	if err != nil {
		return err
	}
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: o.Kubeconfig}, &clientcmd.ConfigOverrides{CurrentContext: o.Cluster}).ClientConfig()
	if err != nil {
		return err
	}
	cluster, err := cutover.NewCluster(cfg)
	if err != nil {
		return err
	}
	j, err := cutover.NewConfigMapJournal(map[string]cutover.Cluster{o.Cluster: cluster}, "wimigrate")
	if err != nil {
		return err
	}
	asleep := map[string]cutover.Cluster{o.Cluster: &sleeper{Cluster: cluster, at: int64(o.At)}}
	r, err := cutover.NewRunner(asleep, j, cutovertest.PassGates(), &cutover.Options{Actor: "sleeper"})
	if err != nil {
		return err
	}
	_, err = r.Run(ctx, plan)
	return err
}

// sleepers are the writes before which a process falls asleep: the new label, the old label's removal, and one of the last.
var sleepers = []int{2, 3, 5}

// pausedProcesses stops a process in the middle of a unit, lets another finish the unit, and wakes the first: its lease is long over, and
// nothing that it had begun may land.
func pausedProcesses(t *testing.T, f *fleet.Fleet, plans map[string]*cutover.Plan) {
	together(t, sleepers, func(at int) string { return fmt.Sprintf("before write %d", at) }, func(t *testing.T, i, at int) {
		p := plans[named("sleeper", i)]
		file := filepath.Join(t.TempDir(), "plan")
		writePlan(t, p, file)
		order, err := json.Marshal(sleeperOrder{Kubeconfig: f.Kubeconfig(), Cluster: f.Clusters[0].Name, Plan: file, At: at})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSleeperProcess$", "-test.v")
		cmd.Env = append(os.Environ(), sleeperEnv+"="+string(order))
		process.Tie(cmd)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		wake, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		fleet.Await(t, "the process to fall asleep", func() (bool, error) {
			var status syscall.WaitStatus
			pid, err := syscall.Wait4(cmd.Process.Pid, &status, syscall.WUNTRACED|syscall.WNOHANG, nil)
			if pid != 0 && err == nil && !status.Stopped() {
				t.Fatalf("the process has ended: %s", &out)
			}
			return pid != 0 && err == nil, err
		})
		finishUnit(t, f, p)
		before := standing(t, f, p)
		if err := errors.Join(cmd.Process.Signal(syscall.SIGCONT), say(wake)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v: %s", err, &out)
		}
		said := lastWords(t, out.String())
		t.Logf("the process that slept ended with: %s", said.Error)
		if after := standing(t, f, p); !said.Fenced || after != before {
			t.Errorf("fenced off: %v; the unit stood at %s, and stands at %s", said.Fenced, before, after)
		}
	})
}

// say lets a process go on that waits for a word.
func say(to io.WriteCloser) error {
	_, err := to.Write([]byte{'\n'})
	return errors.Join(err, to.Close())
}

func lastWords(t *testing.T, out string) (said slept) {
	t.Helper()
	for line := range strings.Lines(out) {
		if text, ok := strings.CutPrefix(line, sleeperSays); ok {
			if err := json.Unmarshal([]byte(text), &said); err != nil {
				t.Fatal(err)
			}
			return said
		}
	}
	t.Fatalf("the process said nothing: %s", out)
	return said
}

// finishUnit is the second process: it takes the unit over and moves it to its end.
func finishUnit(t *testing.T, f *fleet.Fleet, p *cutover.Plan) {
	t.Helper()
	cluster, err := cutover.NewCluster(f.Clusters[0].REST())
	if err != nil {
		t.Fatal(err)
	}
	clusters := map[string]cutover.Cluster{f.Clusters[0].Name: cluster}
	j, err := cutover.NewConfigMapJournal(clusters, "wimigrate")
	if err != nil {
		t.Fatal(err)
	}
	r, err := cutover.NewRunner(clusters, j, cutovertest.PassGates(), &cutover.Options{Actor: "second"})
	if err != nil {
		t.Fatal(err)
	}
	rep, err := r.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	want(t, rep.Units[0], cutover.Done, "")
}

// standing is what would have moved if somebody had written: the versions of what the unit changes, and how many templates have run.
func standing(t *testing.T, f *fleet.Fleet, p *cutover.Plan) string {
	t.Helper()
	name, client := p.Units[0].Namespace, f.Clusters[0].Client
	d, err := client.AppsV1().Deployments(name).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := client.CoreV1().ServiceAccounts(name).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sets, err := client.AppsV1().ReplicaSets(name).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("generation %d with %v, version %s of the account, %d templates", d.Generation, d.Annotations, a.ResourceVersion, len(sets.Items))
}
