package credentialtest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// transports gives a client that keeps connections and one that does not, in
// memory and over sockets.
func transports(t *testing.T, g *credentialtest.Gateway) map[string][2]http.RoundTripper {
	t.Helper()
	server, err := credentialtest.Serve(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	fresh := server.Transport("127.0.0.9")
	fresh.DisableKeepAlives = true
	return map[string][2]http.RoundTripper{
		"in memory":    {g.Dial("127.0.0.9", true), g.Dial("127.0.0.9", false)},
		"over sockets": {server.Transport("127.0.0.9"), fresh},
	}
}

func TestAConnectionStaysWhereItWasRouted(t *testing.T) {
	for _, medium := range []string{"in memory", "over sockets"} {
		t.Run(medium, func(t *testing.T) {
			n := newNode(t, credentialtest.NMIOptions{}, with(func(s *credentialtest.NodeState) { s.Pods[0].IP = "127.0.0.9" }))
			n.attach(app)
			g := credentialtest.NewGateway(n.nmi, n.imds)
			pair := transports(t, g)[medium]
			kept, fresh := pair[0], pair[1]
			bypassed := func(rt http.RoundTripper) bool {
				t.Helper()
				status, header, body := ask(t, rt, credentialtest.TokenURL+byClient, metadata)
				if status != http.StatusOK {
					t.Fatalf("%d %s", status, body)
				}
				return strings.HasPrefix(header.Get("Server"), "IMDS/")
			}
			g.Bypass(true)
			if !bypassed(kept) || !bypassed(fresh) {
				t.Error("without NMI's rule a request did not reach IMDS")
			}
			g.Bypass(false)
			if !bypassed(kept) {
				t.Error("a connection that was kept alive moved to NMI")
			}
			if bypassed(fresh) {
				t.Error("a new connection did not go to NMI")
			}
			kept.(interface{ CloseIdleConnections() }).CloseIdleConnections()
			if bypassed(kept) {
				t.Error("a connection made anew did not go to NMI")
			}
			if g.Bypasses() != 2 {
				t.Errorf("%d connections to IMDS, want 2", g.Bypasses())
			}
		})
	}
}

func TestBypassedPodsGetTheNodesIdentity(t *testing.T) {
	n := newNode(t, credentialtest.NMIOptions{}, with(func(s *credentialtest.NodeState) { s.Assigned = nil }))
	g := credentialtest.NewGateway(n.nmi, n.imds)
	g.Bypass(true)
	// No client ID: the request succeeds, as the kubelet. This is the one test
	// that puts MSAL's cache entry of the system-assigned identity to use.
	got, err := managed(t, g.Dial(podIP, true), nil).GetToken(t.Context(), scopes)
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := n.entra.Verify(got.Token); err != nil || claims.String("appid") != kubelet {
		t.Errorf("token of %v: %v", claims, err)
	}
	// A client ID that is not attached to the node is refused at once.
	if _, err := managed(t, g.Dial(podIP, true), azidentity.ClientID(freshClient())).GetToken(t.Context(), scopes); err == nil || !strings.Contains(err.Error(), "Identity not found") {
		t.Errorf("got %v", err)
	}
}

func TestARequestThatSaysCloseIsNotKept(t *testing.T) {
	n := newNode(t, credentialtest.NMIOptions{}, credentialtest.NodeState{})
	g := credentialtest.NewGateway(n.nmi, n.imds)
	g.Bypass(true)
	p := g.Dial(podIP, true)
	for range 3 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, credentialtest.TokenURL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Close = true
		if _, err := p.Do(req); err != nil {
			t.Fatal(err)
		}
	}
	if g.Bypasses() != 3 {
		t.Errorf("%d connections, want 3", g.Bypasses())
	}
}
