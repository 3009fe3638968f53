// Package process runs the operating system processes of a fleet so that none is left behind: each one dies with the program that
// started it, however that program ends, and each one is stopped and waited for when its [Group] is closed.
package process

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"
)

// ErrClosed is returned by [Group.Start] after [Group.Close].
var ErrClosed = errors.New("process: the group is closed")

// Spec describes one process.
type Spec struct {
	// Name names the process in errors and its log file, <log dir>/<name>.log.
	Name string
	// Path is the program, Args are its arguments without the program's name.
	Path string
	Args []string
	// Env is the whole environment; nil means an empty one. Nothing is inherited.
	Env []string
	// Stdout, when set, receives standard output; otherwise it joins standard error in the log file.
	Stdout *os.File
	// Log names the log file when several processes share one; empty means Name.
	Log string
	// Grace is how long Stop waits between SIGTERM and SIGKILL; 0 means 10 s.
	Grace time.Duration
}

// Group starts processes and ends them together. It is safe for concurrent use.
type Group struct {
	logDir string
	start  chan request
	quit   chan struct{}

	mu     sync.Mutex
	closed bool
	procs  []*Process
}

type request struct {
	cmd  *exec.Cmd
	done chan error
}

// NewGroup returns a group whose processes log into logDir. Close it to end them.
func NewGroup(logDir string) *Group {
	g := &Group{logDir: logDir, start: make(chan request), quit: make(chan struct{})}
	go g.spawn()
	return g
}

// spawn starts every process from one operating system thread: the kernel ties "die with your parent" to the thread that forked, and
// the Go runtime promises of no other how long it lives. It unlocks at the end, when every process was waited for: the runtime ends a
// thread whose goroutine ended locked, and with this one would go every tied command that somebody else had started from it before.
func (g *Group) spawn() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		select {
		case r := <-g.start:
			r.done <- r.cmd.Start()
		case <-g.quit:
			return
		}
	}
}

// Start starts a process and returns as soon as it runs.
func (g *Group) Start(s Spec) (*Process, error) {
	cmd := exec.Command(s.Path, s.Args...)
	cmd.Env = s.Env
	if cmd.Env == nil {
		cmd.Env = []string{}
	}
	cmd.SysProcAttr = attributes()
	p := &Process{spec: s, cmd: cmd, done: make(chan struct{})}
	p.log = filepath.Join(g.logDir, cmp.Or(s.Log, s.Name)+".log")
	f, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("process: start %s: %w", s.Name, err)
	}
	defer f.Close()
	cmd.Stdout, cmd.Stderr = f, f
	if s.Stdout != nil {
		cmd.Stdout = s.Stdout
	}
	if err := g.run(p); err != nil {
		return nil, fmt.Errorf("process: start %s: %w", s.Name, err)
	}
	return p, nil
}

// run hands the command to the spawning thread. The lock is held over the start, so Close sees every process that was started.
func (g *Group) run(p *Process) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrClosed
	}
	r := request{cmd: p.cmd, done: make(chan error, 1)}
	g.start <- r
	if err := <-r.done; err != nil {
		return err
	}
	go p.wait()
	g.procs = slices.DeleteFunc(g.procs, (*Process).exited)
	g.procs = append(g.procs, p)
	return nil
}

// Close stops all processes, the youngest first, and returns when the last has ended. Closing again does nothing.
func (g *Group) Close() error {
	g.mu.Lock()
	closed := g.closed
	g.closed = true
	procs := slices.Clone(g.procs)
	g.mu.Unlock()
	if closed {
		return nil
	}
	defer close(g.quit)
	var errs []error
	for _, p := range slices.Backward(procs) {
		errs = append(errs, p.Stop())
	}
	return errors.Join(errs...)
}
