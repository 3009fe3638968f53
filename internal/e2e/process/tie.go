package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Tie ties the life of a command that was not started yet to this process's, as far as the system can: see attributes. When its context
// ends, so do the processes that it started in turn.
func Tie(cmd *exec.Cmd) {
	cmd.SysProcAttr = attributes()
	if cmd.Cancel != nil { // it has a context
		cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	}
}

func killGroup(group int) error {
	if err := syscall.Kill(-group, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return os.ErrProcessDone
}

// Run runs a command that has children of its own, such as go and its compilers, to its end. Whatever ends this process before ends all of
// them: the kernel kills the command, and a watcher the children, of whom the kernel knows nothing.
func Run(cmd *exec.Cmd) error {
	group, dismiss, err := watch()
	if err != nil {
		return err
	}
	defer dismiss()
	Tie(cmd)
	cmd.SysProcAttr.Pgid = group // from its first instant
	if cmd.Cancel != nil {
		cmd.Cancel = func() error { return killGroup(group) }
	}
	return cmd.Run()
}

// watch has a shell kill the process group that it leads as soon as nobody is left to write into a pipe, whose only writer is this process.
func watch() (group int, dismiss func(), err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return 0, nil, fmt.Errorf("process: watch: %w", err)
	}
	defer read.Close()
	watcher := exec.Command("/bin/sh", "-c", "read nothing; kill -9 0")
	watcher.Stdin = read
	watcher.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's interrupt is not for it
	if err := watcher.Start(); err != nil {
		_ = write.Close()
		return 0, nil, fmt.Errorf("process: watch: %w", err)
	}
	return watcher.Process.Pid, func() {
		_ = watcher.Process.Kill()
		_ = watcher.Wait()
		_ = write.Close()
	}, nil
}
