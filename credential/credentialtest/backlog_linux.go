package credentialtest

import (
	"errors"
	"net"
	"syscall"
)

// shrinkBacklog makes the accept queue as short as the kernel allows.
func shrinkBacklog(l net.Listener) error {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return errors.New("not a TCP listener")
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = syscall.Listen(int(fd), 0) }); err != nil {
		return err
	}
	return inner
}
