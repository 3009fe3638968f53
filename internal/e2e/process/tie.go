package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// Tie ties the life of a command that was not started yet to this process's, as far as the system can: see attributes. When its context
// ends, so do the processes that it started in turn.
func Tie(cmd *exec.Cmd) {
	cmd.SysProcAttr = attributes()
	if cmd.Cancel == nil {
		return // it has no context
	}
	cmd.Cancel = func() error {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
			return err
		}
		return os.ErrProcessDone
	}
}

// Run runs a command that has children of its own, such as go and its compilers, to its end. Whatever ends this process before ends all of
// them: the kernel kills the command, and a watcher the children, of whom the kernel knows nothing.
func Run(cmd *exec.Cmd) error {
	Tie(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	dismiss, err := watch(cmd.Process.Pid)
	if err != nil {
		return errors.Join(err, syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL), cmd.Wait())
	}
	defer dismiss()
	return cmd.Wait()
}

// watch has a shell kill a process group as soon as nobody is left to write into a pipe, whose only writer is this process.
func watch(group int) (dismiss func(), err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("process: watch: %w", err)
	}
	defer read.Close()
	watcher := exec.Command("/bin/sh", "-c", "read nothing; kill -9 -"+strconv.Itoa(group))
	watcher.Stdin = read
	watcher.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's interrupt is not for it
	if err := watcher.Start(); err != nil {
		_ = write.Close()
		return nil, fmt.Errorf("process: watch: %w", err)
	}
	return func() {
		_ = watcher.Process.Kill()
		_ = watcher.Wait()
		_ = write.Close()
	}, nil
}
