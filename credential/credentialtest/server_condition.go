package credentialtest

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// condition is what state a server's port is in.
type condition int

const (
	up condition = iota
	refusing
	dropping
	hanging
)

// Up makes the server serve, on the port it always had, whatever it did before.
func (s *Server) Up() error {
	return s.change(up, nil)
}

// Refuse closes the port: connections are refused and the existing ones reset.
// Killing NMI does this, as its iptables rules stay. Up is the restart.
func (s *Server) Refuse() error {
	return s.change(refusing, func() error { return nil })
}

// Hang makes the server accept connections and never answer on them, not even
// after Up; they are closed by Close.
func (s *Server) Hang() error {
	return s.change(hanging, func() error {
		listener, err := net.Listen("tcp", s.address)
		if err != nil {
			return fmt.Errorf("credentialtest: hang: %w", err)
		}
		s.listener = listener
		s.serving.Go(func() { s.swallow(listener) })
		return nil
	})
}

// swallow accepts connections until the listener is closed.
func (s *Server) swallow(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		s.hungMu.Lock()
		s.hung = append(s.hung, conn)
		s.hungMu.Unlock()
	}
}

// Drop makes the kernel drop the SYNs of new connections, so that clients send
// them again after 1, 3, 7, 15 … seconds or give up, as with a NetworkPolicy in
// the way. It works by filling the accept queue and is known to on Linux; it
// fails elsewhere.
func (s *Server) Drop() error {
	return s.change(dropping, func() error {
		listener, err := net.Listen("tcp", s.address)
		if err != nil {
			return fmt.Errorf("credentialtest: drop: %w", err)
		}
		s.listener = listener
		if err := shrinkBacklog(listener); err != nil {
			return fmt.Errorf("credentialtest: drop: %w", err)
		}
		return s.plugLocked()
	})
}

// plugLocked connects until no more connections come through. It wants to see
// that twice, because on a busy machine one may merely be slow.
func (s *Server) plugLocked() error {
	dialer := &net.Dialer{Timeout: 200 * time.Millisecond}
	blocked := 0
	for range 16 {
		conn, err := dialer.Dial("tcp", s.address)
		if err == nil {
			s.plugs, blocked = append(s.plugs, conn), 0
			continue
		}
		if blocked++; blocked == 2 {
			return nil
		}
	}
	return errors.New("the accept queue does not fill up on this system")
}

func (s *Server) change(to condition, act func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("credentialtest: the server is closed")
	}
	if s.condition == to && s.listener != nil {
		return nil
	}
	s.downLocked()
	if act == nil {
		return s.upLocked()
	}
	if err := act(); err != nil {
		return errors.Join(err, s.upLocked())
	}
	s.condition = to
	return nil
}
