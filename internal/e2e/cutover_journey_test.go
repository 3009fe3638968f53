package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/process"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
)

// journey is one unit's move, and perhaps its way back, by processes of which the first dies at a write.
type journey struct {
	f          *fleet.Fleet
	name       string
	back       bool // the rollback is what is disturbed
	at         int  // 0: nothing is
	before     bool
	file       bool // FileJournal, else ConfigMapJournal
	plan, disk string
	// world is where Azure is, for processes with the provided gates and pods that take tokens; without it nothing runs in the pods.
	world *moverWorld

	killed, writes, rollouts int
	end                      map[string]leaves
}

func (j *journey) String() string {
	return fmt.Sprintf("%s (rollback %v, killed at write %d, before it %v, journal on disk %v)", j.name, j.back, j.at, j.before, j.file)
}

// namesOf are the names of journeys, which are those of their namespaces.
func namesOf(all []*journey) (out []string) {
	for _, j := range all {
		out = append(out, j.name)
	}
	return out
}

// travel deploys what the journeys move, plans for each of them alone, and lets them run, a few at a time.
func travel(t *testing.T, f *fleet.Fleet, all []*journey) {
	t.Helper()
	c := f.Clusters[0]
	for _, j := range all {
		r := newResident(f, c, "Deployment", j.name, 2, 200*time.Millisecond)
		manifests := r.YAML()
		if j.world == nil {
			r.MaxReplicas = 10 // else replicas are induced, for an autoscaler would be slow to scale in again
			manifests = strings.ReplaceAll(r.YAML(), workload.ImagePrefix, "example.test/app")
		}
		if err := c.Apply(t.Context(), manifests); err != nil {
			t.Fatal(err)
		}
	}
	for _, j := range all {
		awaitAvailable(t, c, j.name)
	}
	dir := t.TempDir()
	soak := time.Duration(-1)
	if all[0].world != nil {
		soak = 2 * time.Second
	}
	for name, p := range newOperator(t, f, namesOf(all)...).plansByNamespace(t, cutover.PlanOptions{Soak: soak, Limits: cutover.Limits{InducePods: 10}}) {
		for _, j := range all {
			if j.name == name {
				j.disk, j.plan = filepath.Join(dir, name+".journal"), filepath.Join(dir, name+".plan")
				writePlan(t, p, j.plan)
			}
		}
	}
	var g errgroup.Group
	g.SetLimit(4)
	var mu sync.Mutex
	for _, j := range all {
		g.Go(func() error {
			err := j.run(t)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("%s: %v", j, err)
			}
			return nil
		})
	}
	_ = g.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// run starts process after process until the unit is where it should be.
func (j *journey) run(t *testing.T) error {
	if j.back {
		if _, err := j.process(t, false, 0); err != nil {
			return err
		}
	}
	at := j.at
	for range 4 {
		said, err := j.process(t, j.back, at)
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == -1 && at != 0 { // by a signal
			j.killed, at = j.killed+1, 0
			continue
		}
		if err != nil {
			return err
		}
		j.writes = said.Writes
		return errors.Join(j.arrive(t), dismiss(t.Context(), j.f.Clusters[0], j.name))
	}
	return errors.New("the journey does not end")
}

// process runs the test binary as a process that moves the unit, or rolls it back.
func (j *journey) process(t *testing.T, back bool, at int) (moved, error) {
	order, err := json.Marshal(moverOrder{Kubeconfig: j.f.Kubeconfig(), Cluster: j.f.Clusters[0].Name, Plan: j.plan, Disk: j.disk, File: j.file,
		Back: back, At: at, Before: j.before,
		World: j.world})
	if err != nil {
		return moved{}, err
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMoverProcess$", "-test.v")
	cmd.Env = append(os.Environ(), moverEnv+"="+string(order))
	process.Tie(cmd)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	var said moved
	for line := range strings.Lines(out.String()) {
		if text, ok := strings.CutPrefix(line, moverSays); ok {
			if err := json.Unmarshal([]byte(text), &said); err != nil {
				return said, err
			}
		}
	}
	if strings.Contains(out.String(), "eyJ") {
		t.Errorf("%s: a token in the output", j)
	}
	if err != nil {
		return said, fmt.Errorf("%w: %s", err, &out)
	}
	want := cutover.Done
	if back {
		want = cutover.RolledBack
	}
	if said.State != want {
		return said, fmt.Errorf("the unit is %s, not %s: %s", said.State, want, said.Reason)
	}
	return said, nil
}
