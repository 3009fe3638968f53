//go:build unix && !linux

package process

import "syscall"

// attributes leaves the process in the parent's session. Only Linux can tie a child's life to its parent's, so elsewhere a parent that
// is killed by SIGKILL leaves its children behind; every other end stops them.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
