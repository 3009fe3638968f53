package process_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/internal/e2e/process"
)

// TestMain doubles as the parent that dies: run with WIMIGRATE_PARENT it starts one long sleep, prints its ID, then ends as told.
func TestMain(m *testing.M) {
	how := os.Getenv("WIMIGRATE_PARENT")
	if how == "" {
		os.Exit(m.Run())
	}
	g := process.NewGroup(os.Getenv("WIMIGRATE_DIR"))
	p, err := g.Start(sleeper())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(p.PID())
	switch how {
	case "panics":
		panic("on purpose")
	case "returns without closing the group":
		os.Exit(0)
	}
	select {}
}

func sleeper() process.Spec {
	return process.Spec{Name: "sleep", Path: "/bin/sleep", Args: []string{"600"}}
}

func TestNoProcessOutlivesItsParent(t *testing.T) {
	for _, c := range []struct {
		name string
		end  syscall.Signal
	}{
		{"panics", 0},
		{"returns without closing the group", 0},
		{"is interrupted", syscall.SIGINT},
		{"is killed", syscall.SIGKILL},
	} {
		t.Run(c.name, func(t *testing.T) {
			parent := exec.CommandContext(t.Context(), os.Args[0])
			parent.Env = append(os.Environ(), "WIMIGRATE_PARENT="+c.name, "WIMIGRATE_DIR="+t.TempDir())
			out, err := parent.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			line, _ := bufio.NewReader(out).ReadString('\n')
			pid, err := strconv.Atoi(strings.TrimSpace(line))
			if err != nil {
				t.Fatalf("the parent printed %q instead of a process ID", line)
			}
			if c.end != 0 {
				_ = parent.Process.Signal(c.end)
			}
			_ = parent.Wait()
			awaitGone(t, pid)
		})
	}
}

// awaitGone waits until no process has the ID. An orphan that has ended stays visible until init reaps it, so zombies count as gone.
func awaitGone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil && syscall.Kill(pid, 0) == syscall.ESRCH || strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	t.Errorf("process %d is still there", pid)
}

func TestCloseStopsTheYoungestFirstAndRefusesMore(t *testing.T) {
	g := process.NewGroup(t.TempDir())
	first, err := g.Start(sleeper())
	if err != nil {
		t.Fatal(err)
	}
	stubborn, err := g.Start(process.Spec{Name: "stubborn", Path: "/bin/sh", Grace: 50 * time.Millisecond,
		Args: []string{"-c", "trap '' TERM; while :; do sleep 1; done"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	awaitGone(t, first.PID())
	awaitGone(t, stubborn.PID())
	if _, err := g.Start(sleeper()); err == nil {
		t.Error("a closed group started a process")
	}
}

func TestErrTellsWhyAProcessEnded(t *testing.T) {
	g := process.NewGroup(t.TempDir())
	defer g.Close()
	p, err := g.Start(process.Spec{Name: "loud", Path: "/bin/sh", Args: []string{"-c", "echo no such flag >&2; exit 3"}})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if got := fmt.Sprint(p.Err()); !strings.Contains(got, "exit status 3") || !strings.Contains(got, "no such flag") {
		t.Errorf("got %q, want the exit status and the end of the log", got)
	}
}
