package credentialtest_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// dial opens a connection with a deadline and reports how that went.
func dial(t *testing.T, s *credentialtest.Server, limit time.Duration) (net.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return (&net.Dialer{}).DialContext(ctx, "tcp", s.Address())
}

func get(ctx context.Context, s *credentialtest.Server) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, http.NoBody)
	if err != nil {
		return err
	}
	transport := s.Transport("")
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func TestServerFailsAsANetworkDoes(t *testing.T) {
	for name, opts := range map[string]*credentialtest.ServerOptions{"http": nil, "https": {TLS: true}} {
		t.Run(name, func(t *testing.T) {
			s, err := credentialtest.Serve(credentialtest.Canned{Body: "ok"}, opts)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for range 2 { // every condition can follow every other
				if err := get(t.Context(), s); err != nil {
					t.Fatalf("up: %v", err)
				}
				if err := s.Refuse(); err != nil {
					t.Fatal(err)
				}
				if err := get(t.Context(), s); !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("refusing: %v", err)
				}
				if err := s.Hang(); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				if err := get(ctx, s); err == nil || errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("hanging: %v", err)
				}
				cancel()
				if conn, err := dial(t, s, 5*time.Second); err != nil {
					t.Errorf("hanging, the connection is not accepted: %v", err)
				} else {
					_ = conn.Close()
				}
				if runtime.GOOS == "linux" {
					if err := s.Drop(); err != nil {
						t.Fatal(err)
					}
					if _, err := dial(t, s, 200*time.Millisecond); err == nil || errors.Is(err, syscall.ECONNREFUSED) {
						t.Errorf("dropping, and a connection came about: %v", err)
					}
				}
				if err := s.Up(); err != nil {
					t.Fatal(err)
				}
			}
			address := s.Address()
			s.Close()
			s.Close()
			if err := s.Up(); err == nil {
				t.Error("a closed server came up again")
			}
			if l, err := net.Listen("tcp", address); err != nil {
				t.Errorf("the port is not free: %v", err)
			} else {
				_ = l.Close()
			}
		})
	}
}

func TestNMIIsKilledAndRestartedOnItsPort(t *testing.T) {
	clientID := freshClient()
	n := newNode(t, credentialtest.NMIOptions{}, with(assign(azureIdentity(clientID), credentialtest.StateAssigned)))
	n.Update(func(s *credentialtest.NodeState) { s.Pods[0].IP = "127.0.0.5" })
	n.attach(clientID)
	s, err := credentialtest.Serve(n.nmi, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	transport := s.Transport("127.0.0.5")
	defer transport.CloseIdleConnections()
	cred, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{
		ClientOptions: policy.ClientOptions{Transport: &http.Client{Transport: transport}, Retry: policy.RetryOptions{MaxRetries: -1}},
		ID:            azidentity.ClientID(clientID),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Refuse(); err != nil {
		t.Fatal(err)
	}
	if _, err := cred.GetToken(t.Context(), scopes); err == nil {
		t.Fatal("a dead NMI gave a token")
	}
	n.nmi.Reset()
	if err := s.Up(); err != nil {
		t.Fatal(err)
	}
	if _, err := cred.GetToken(t.Context(), scopes); err != nil {
		t.Fatal(err)
	}
	// From an address that no pod has NMI does not serve.
	if status, _, _ := ask(t, s.Transport("127.0.0.6"), credentialtest.TokenURL+byClient, metadata); status != http.StatusInternalServerError {
		t.Errorf("a stranger got status %d", status)
	}
}

func TestServerIsSafeForConcurrentUse(t *testing.T) {
	s, err := credentialtest.Serve(credentialtest.Canned{Body: "ok"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, act := range []func() error{s.Refuse, s.Hang, s.Up, s.Up} {
		wg.Go(func() {
			for range 20 {
				if err := act(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			_ = get(ctx, s) // whatever the condition is just now
			cancel()
		}
	})
	wg.Wait()
	s.Close()
}
