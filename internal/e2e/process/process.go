package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Process is one running or ended process of a [Group]. It is safe for concurrent use.
type Process struct {
	spec Spec
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error // set before done is closed
}

func (p *Process) wait() {
	p.err = p.cmd.Wait()
	close(p.done)
}

func (p *Process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// PID is the process ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended and was waited for.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the process ended, with the last lines of its log; nil while it runs and after exit code 0.
func (p *Process) Err() error {
	if !p.exited() || p.err == nil {
		return nil
	}
	return fmt.Errorf("process: %s: %w%s", p.spec.Name, p.err, p.tail())
}

// Signal sends a signal to the process group; an ended process is not an error.
func (p *Process) Signal(s syscall.Signal) error {
	if p.exited() {
		return nil
	}
	if err := syscall.Kill(-p.PID(), s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("process: signal %s: %w", p.spec.Name, err)
	}
	return nil
}

// Stop asks the process to end, kills it when it does not within its grace, and returns once it was waited for.
func (p *Process) Stop() error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	grace := p.spec.Grace
	if grace == 0 {
		grace = 10 * time.Second
	}
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-p.done:
		return nil
	case <-t.C:
	}
	return p.Kill()
}

// Kill ends the process at once, as a crash would, and returns once it was waited for.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

// tail returns the end of the log, for an error message.
func (p *Process) tail() string {
	const most = 1500
	f, err := os.Open(p.log)
	if err != nil {
		return ""
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil && size > most {
		_, _ = f.Seek(-most, io.SeekEnd)
	} else {
		_, _ = f.Seek(0, io.SeekStart)
	}
	b, err := io.ReadAll(f)
	if err != nil || len(bytes.TrimSpace(b)) == 0 {
		return ""
	}
	return "\nend of " + p.log + ":\n" + string(bytes.TrimSpace(b))
}
