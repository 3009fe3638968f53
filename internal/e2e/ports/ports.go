// Package ports keeps loopback addresses for the servers of a fleet, so that two fleets on one machine never take each other's.
package ports

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// Port is a TCP port of 127.0.0.1 that stays ours until it is closed, also while its server restarts: a socket that is bound but does
// not listen holds it, and a server that sets SO_REUSEPORT may listen beside it. The kernel gives no such port to anyone else.
type Port struct {
	Number int
	fd     int
}

// Reserve takes a free port that the operating system picks.
func Reserve() (*Port, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, fmt.Errorf("ports: %w", err)
	}
	unix.CloseOnExec(fd)
	number, err := bind(fd)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("ports: reserve: %w", err)
	}
	return &Port{Number: number, fd: fd}, nil
}

func bind(fd int) (int, error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return 0, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	addr, err := unix.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	return addr.(*unix.SockaddrInet4).Port, nil
}

// String is the address, as host:port.
func (p *Port) String() string { return fmt.Sprintf("127.0.0.1:%d", p.Number) }

// Close gives the port back. Call it after the server has ended. Closing again does nothing: by then the descriptor may be somebody else's.
func (p *Port) Close() error {
	fd := p.fd
	if p.fd = -1; fd < 0 {
		return nil
	}
	return unix.Close(fd)
}

// Subnet is a /16 of the loopback network that only one cluster uses: its pods and nodes have addresses of their own, from which their
// processes really connect, so that a double of NMI can tell pods apart as NMI does, by source address.
type Subnet struct {
	second byte
	hold   net.Listener
}

// subnetPort is held on the last address of each subnet in use. Everybody may bind it, the kernel picks it for nobody (its own range begins
// at 32768), and nothing of a fleet listens on it.
const subnetPort = 21579

// ReserveSubnet takes a free subnet; the search starts at a place the caller picks, to spread fleets that start at once.
func ReserveSubnet(start int) (*Subnet, error) {
	const all = 250
	for i := range all {
		second := byte(1 + (start+i)%all)
		l, err := net.Listen("tcp4", fmt.Sprintf("127.%d.255.254:%d", second, subnetPort))
		switch {
		case err == nil:
			return &Subnet{second: second, hold: l}, nil
		case !errors.Is(err, unix.EADDRINUSE): // it would be the same with all others
			return nil, fmt.Errorf("ports: cannot hold a loopback subnet; each takes a port of an address in 127.0.0.0/8, as Linux lets anybody: %w", err)
		}
	}
	return nil, fmt.Errorf("ports: each of %d loopback subnets is in use, or a server listens on port %d of every address", all, subnetPort)
}

// MaxNodes is how many nodes a subnet has room for, MaxPodsPerNode how many pods each of them.
const (
	MaxNodes       = 250
	MaxPodsPerNode = 250
)

// Node is the address of node i, counted from 0.
func (s *Subnet) Node(i int) string { return fmt.Sprintf("127.%d.255.%d", s.second, i+1) }

// Pods is the range of addresses of the pods of node i.
func (s *Subnet) Pods(i int) string { return fmt.Sprintf("127.%d.%d.0/24", s.second, i) }

// Close gives the subnet back. Closing again does nothing.
func (s *Subnet) Close() error {
	if err := s.hold.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("ports: %w", err)
	}
	return nil
}
