package process

import "syscall"

// attributes puts the process into a group of its own, so that a terminal's interrupt reaches only the parent, which then stops its
// children in order; and has the kernel kill it when the parent dies in a way that no code of ours can see.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
