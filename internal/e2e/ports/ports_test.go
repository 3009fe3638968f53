package ports_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/wimigrate/wimigrate/internal/e2e/ports"
	"github.com/wimigrate/wimigrate/internal/e2e/process"
)

// holderEnv makes this program the other one on the machine: it takes a subnet and a port, prints both, and holds them until it is killed.
const holderEnv = "WIMIGRATE_HOLD_PORTS"

func TestMain(m *testing.M) {
	if os.Getenv(holderEnv) == "" {
		os.Exit(m.Run())
	}
	s, err := ports.ReserveSubnet(0)
	if err != nil {
		panic(err)
	}
	p, err := ports.Reserve()
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Pods(0), p)
	select {}
}

// holder starts the other program and tells what it holds.
func holder(t *testing.T) (subnet, port string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), holderEnv+"=1")
	process.Tie(cmd)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // killed by the end of the test's context
	line, err := bufio.NewReader(out).ReadString('\n')
	subnet, port, _ = strings.Cut(strings.TrimSpace(line), " ")
	if err != nil || port == "" {
		t.Fatalf("it printed %q: %v", line, err)
	}
	return subnet, port
}

func TestSubnetsOfTwoProgramsDiffer(t *testing.T) {
	subnet, _ := holder(t)
	seen := map[string]bool{subnet: true}
	for range 3 {
		s, err := ports.ReserveSubnet(0)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if seen[s.Pods(0)] {
			t.Errorf("%s is handed out twice", s.Pods(0))
		}
		seen[s.Pods(0)] = true
	}
}

func TestASubnetThatWasGivenBackIsFreeAgain(t *testing.T) {
	first, err := ports.ReserveSubnet(100)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time is none
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
	}
	again, err := ports.ReserveSubnet(100)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Node(0) != first.Node(0) {
		t.Errorf("got the subnet of %s, want the one of %s", again.Node(0), first.Node(0))
	}
}

// The kernel picks ports for those who ask for any, here a thousand times, and may pick none that is held, nor give one to who asks for it.
func TestAReservedPortIsHandedOutToNobody(t *testing.T) {
	_, other := holder(t)
	mine := reserve(t)
	held := map[string]bool{other: true, mine.String(): true}
	for range 1000 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		p := reserve(t)
		if held[l.Addr().String()] || held[p.String()] {
			t.Fatalf("%s or %s was held already", l.Addr(), p)
		}
		held[l.Addr().String()], held[p.String()] = true, true
	}
	for _, address := range []string{other, mine.String()} {
		if l, err := net.Listen("tcp4", address); !errors.Is(err, unix.EADDRINUSE) {
			t.Errorf("%s was given to one who asked for it: %v, %v", address, l, err)
		}
	}
}

// sharing listens as the servers of a fleet do.
var sharing = net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
	var set error
	err := c.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
	return errors.Join(err, set)
}}

func reserve(t *testing.T) *ports.Port {
	t.Helper()
	p, err := ports.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestAnAddressStaysOursWhileItsServerRestarts(t *testing.T) {
	p := reserve(t)
	for range 3 {
		server, err := sharing.Listen(t.Context(), "tcp4", p.String())
		if err != nil {
			t.Fatal(err)
		}
		if l, err := net.Listen("tcp4", p.String()); !errors.Is(err, unix.EADDRINUSE) {
			t.Errorf("beside the server somebody else got the address: %v, %v", l, err)
		}
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		if l, err := net.Listen("tcp4", p.String()); !errors.Is(err, unix.EADDRINUSE) {
			t.Errorf("between two servers somebody else got the address: %v, %v", l, err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	next, err := os.Open(os.DevNull) // gets the lowest free descriptor, which was the port's
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	if err := next.Close(); err != nil {
		t.Errorf("closing a port again closed what had its descriptor by then: %v", err)
	}
	l, err := net.Listen("tcp4", p.String())
	if err != nil {
		t.Fatalf("the port was not given back: %v", err)
	}
	_ = l.Close()
}
