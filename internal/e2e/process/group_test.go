package process_test

import (
	"bufio"
	"context"
	"errors"
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

// TestMain doubles as the parent that dies: run with WIMIGRATE_PARENT it has one long sleep started, prints its ID, then ends as told.
func TestMain(m *testing.M) {
	how := os.Getenv("WIMIGRATE_PARENT")
	if how == "" {
		os.Exit(m.Run())
	}
	if err := bear(os.Getenv("WIMIGRATE_CHILD"), os.Getenv("WIMIGRATE_DIR")); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	switch how {
	case "panics":
		panic("on purpose")
	case "returns without closing the group":
		os.Exit(0)
	}
	select {}
}

// bear has the sleep started and its ID printed.
func bear(kind, dir string) error {
	switch kind {
	case inGroup:
		p, err := process.NewGroup(dir).Start(sleeper())
		if err == nil {
			fmt.Println(p.PID())
		}
		return err
	case tied:
		cmd := exec.Command("/bin/sleep", "600")
		process.Tie(cmd)
		err := cmd.Start()
		if err == nil {
			fmt.Println(cmd.Process.Pid)
		}
		return err
	}
	told, out, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := exec.Command("/bin/sh", "-c", "sleep 600 & echo $!; wait")
	cmd.Stdout = out
	go func() { _ = process.Run(cmd) }()
	line, err := bufio.NewReader(told).ReadString('\n')
	fmt.Print(line)
	return err
}

// The ways to have a child.
const (
	inGroup = "a process of a group"
	tied    = "a tied command"
	childOf = "a child of a command that is run"
)

func sleeper() process.Spec {
	return process.Spec{Name: "sleep", Path: "/bin/sleep", Args: []string{"600"}}
}

func TestNoProcessOutlivesItsParent(t *testing.T) {
	for _, kind := range []string{inGroup, tied, childOf} {
		for _, c := range []struct {
			name string
			end  syscall.Signal
		}{
			{"panics", 0},
			{"returns without closing the group", 0},
			{"is interrupted", syscall.SIGINT},
			{"is terminated", syscall.SIGTERM},
			{"is killed", syscall.SIGKILL},
		} {
			t.Run(kind+"/"+c.name, func(t *testing.T) {
				parent := exec.CommandContext(t.Context(), os.Args[0])
				parent.Env = append(os.Environ(), "WIMIGRATE_PARENT="+c.name, "WIMIGRATE_CHILD="+kind, "WIMIGRATE_DIR="+t.TempDir())
				process.Tie(parent)
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
}

func TestRunGivesWhatTheCommandEndedWith(t *testing.T) {
	if err := process.Run(exec.CommandContext(t.Context(), "/bin/sh", "-c", "exit 0")); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := process.Run(exec.CommandContext(t.Context(), "/bin/sh", "-c", "exit 3")); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("got %v, want exit code 3", err)
	}
}

func TestTheEndOfItsContextEndsACommandAndItsChildren(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer told.Close()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", "sleep 600 & echo $!; wait")
	cmd.Stdout = out
	done := make(chan error, 1)
	go func() { done <- process.Run(cmd) }()
	line, _ := bufio.NewReader(told).ReadString('\n')
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("a command that was cut off ended well")
	}
	awaitGone(t, pid)
}

// A thread ends with a goroutine that is still locked to it, and with the thread all that is tied to it.
func TestTheEndOfAGroupEndsNoTiedCommandOfOthers(t *testing.T) {
	var sleeps []*exec.Cmd
	for range 20 {
		cmd := exec.CommandContext(t.Context(), "/bin/sleep", "600")
		process.Tie(cmd)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		sleeps = append(sleeps, cmd)
		g := process.NewGroup(t.TempDir())
		if _, err := g.Start(sleeper()); err != nil {
			t.Fatal(err)
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, cmd := range sleeps {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
			t.Errorf("got %v, want the end that the test gave it", err)
		}
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
