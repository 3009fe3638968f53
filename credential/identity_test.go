package credential_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// newGateway is a node whose NMI serves the world's pod.
func newGateway(t testing.TB, w *world, opts credentialtest.NMIOptions, node *credentialtest.Node) *credentialtest.Gateway {
	t.Helper()
	nmi, err := credentialtest.NewNMI(node, credentialtest.InMemory(w.imds), &opts)
	if err != nil {
		t.Fatal(err)
	}
	return credentialtest.NewGateway(nmi, w.imds)
}

func (w *world) azureIdentity() credentialtest.AzureIdentity {
	return credentialtest.AzureIdentity{Namespace: "payments", Name: "payments", ClientID: w.client, ResourceID: armID}
}

// newNode is a node with the world's pod, its binding and its identity.
func (w *world) newNode() *credentialtest.Node {
	return credentialtest.NewNode(credentialtest.NodeState{
		Pods:       []credentialtest.Pod{{Namespace: "payments", Name: "api-0", IP: podIP, Labels: map[string]string{"aadpodidbinding": "payments"}}},
		Identities: []credentialtest.AzureIdentity{w.azureIdentity()},
		Bindings:   []credentialtest.AzureIdentityBinding{{Namespace: "payments", Name: "payments", AzureIdentity: "payments", Selector: "payments"}},
	})
}

// owner returns whose token it is, or fails.
func owner(t testing.TB, token azcore.AccessToken) string {
	t.Helper()
	claims, err := credential.ReadClaims(token.Token)
	if err != nil {
		t.Fatal(err)
	}
	return claims.ClientID
}

func TestNoBypassOfNMIYieldsAnotherIdentity(t *testing.T) {
	// While NMI's rule is away the real IMDS answers: for the node when it ignores
	// the client ID, or that it does not know the identity.
	node := credentialtest.Identity{TenantID: tenant, ClientID: kubelet, ResourceID: "/kubelet"}
	sysAssigned := credentialtest.Identity{TenantID: tenant, ClientID: "55555555-5555-5555-5555-555555555555", ResourceID: "/vm"}
	otherTenant := func(client string) credentialtest.Identity {
		return credentialtest.Identity{TenantID: "99999999-9999-9999-9999-999999999999", ClientID: client, ResourceID: armID}
	}
	otherResource := func(client string) credentialtest.Identity {
		return credentialtest.Identity{TenantID: tenant, ClientID: client, ResourceID: "/somebody-elses"}
	}
	cases := []struct {
		name   string
		answer func(client string) credentialtest.Identity // nil: the real IMDS decides
	}{
		{"the node's kubelet identity answers", func(string) credentialtest.Identity { return node }},
		{"the node's system-assigned identity answers", func(string) credentialtest.Identity { return sysAssigned }},
		{"an identity of another tenant answers", otherTenant},
		{"an identity with another resource ID answers", otherResource},
		{"IMDS does not know the identity", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, credentialtest.EntraOptions{})
				n := w.newNode()
				gateway := newGateway(t, w, credentialtest.NMIOptions{Managed: true}, n)
				if c.answer != nil {
					w.imds.Fail(w.answers(t, c.answer(w.client)))
				}
				gateway.Bypass(true)
				time.AfterFunc(40*time.Second, func() {
					w.imds.Fail(nil)
					w.imds.Attach(w.identity())
					gateway.Bypass(false)
				})
				var refused int
				cred := w.pod(t, gateway.Dial(podIP, false), func(o *credential.Options) {
					o.ResourceID = armID
					o.OnEvent = func(e credential.Event) {
						if e.Kind == credential.EventWrongIdentity {
							refused++
						}
					}
				})
				token, err := cred.GetToken(t.Context(), ask(scope))
				if err != nil {
					t.Fatal(err)
				}
				if owner(t, token) != w.client {
					t.Errorf("token of %s accepted", owner(t, token))
				}
				if c.answer != nil && refused == 0 {
					t.Error("no event tells that a token was refused")
				}
				// MSAL's cache belongs to the process: the wrong token must not be there.
				bare, err := makeBare(w.client, transport(func(*http.Request) (*http.Response, error) { return nil, errors.New("no request expected") }))
				if err != nil {
					t.Fatal(err)
				}
				shared, err := bare.GetToken(t.Context(), ask(scope))
				if err != nil {
					t.Fatal(err)
				}
				if owner(t, shared) != w.client {
					t.Errorf("MSAL's cache holds a token of %s", owner(t, shared))
				}
			})
		})
	}
}

// answers is an IMDS that gives everybody the token of one identity.
func (w *world) answers(t testing.TB, id credentialtest.Identity) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		token, err := w.entra.Issue(id, r.URL.Query().Get("resource"))
		if err != nil {
			t.Error(err)
		}
		rw.Header().Set("Server", "IMDS/150.870.65.1475")
		_, _ = rw.Write([]byte(`{"access_token":"` + token.Value + `","expires_in":"86400","token_type":"Bearer"}`))
	})
}

func TestAWrongTokenThatOthersHaveCachedIsReplaced(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	wrong := credentialtest.InMemory(w.answers(t, credentialtest.Identity{TenantID: tenant, ClientID: kubelet}))
	bare, err := makeBare(w.client, wrong)
	if err != nil {
		t.Fatal(err)
	}
	if token, err := bare.GetToken(t.Context(), ask(scope)); err != nil || owner(t, token) != kubelet {
		t.Fatal("the test needs bare azidentity to cache the node's token", err)
	}
	w.imds.Attach(w.identity())
	cred := w.pod(t, credentialtest.InMemory(w.imds), nil)
	token, err := cred.GetToken(t.Context(), ask(scope))
	if err != nil || owner(t, token) != w.client {
		t.Fatalf("token of %s, %v", owner(t, token), err)
	}
	if token, err = bare.GetToken(t.Context(), ask(scope)); err != nil || owner(t, token) != w.client {
		t.Errorf("bare azidentity in the same process still has the token of %s, %v", owner(t, token), err)
	}
}

func TestARefusedIdentityIsATypedError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		wrong := credentialtest.InMemory(w.answers(t, credentialtest.Identity{TenantID: tenant, ClientID: kubelet, ResourceID: "/kubelet"}))
		_, err := w.pod(t, wrong, func(o *credential.Options) { o.StartupWindow = 5 * time.Second; o.SteadyWindow = -1 }).GetToken(t.Context(), ask(scope))
		var refused *credential.IdentityError
		if !errors.As(err, &refused) || !errors.Is(err, credential.ErrWrongIdentity) {
			t.Fatalf("error does not reach *IdentityError and ErrWrongIdentity: %v", err)
		}
		if refused.GotClientID != kubelet || refused.WantClientID != w.client {
			t.Errorf("got %q, want %q", refused.GotClientID, refused.WantClientID)
		}
		if !strings.Contains(err.Error(), "NMI was bypassed") {
			t.Errorf("the error does not say what happened: %v", err)
		}
	})
}

func TestWhatTheMetadataPathAccepts(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	nodeToken := credentialtest.InMemory(w.answers(t, credentialtest.Identity{TenantID: tenant, ClientID: kubelet}))
	opaque := transport(says(200, nmi, `{"access_token":"opaque","expires_in":"3600"}`))
	cases := []struct {
		name     string
		endpoint policy.Transporter
		options  credential.Options
		ok       bool
	}{
		{"the node's identity if that is allowed", nodeToken, credential.Options{AllowNodeIdentity: true}, true},
		{"a token that cannot be read if that is allowed", opaque, credential.Options{ClientID: newClient(), AcceptOpaque: true}, true},
		{"not a token that cannot be read", opaque, credential.Options{ClientID: newClient()}, false},
		{"not the node's identity for another client ID, even if the node is allowed", nodeToken,
			credential.Options{ClientID: newClient(), AllowNodeIdentity: true, StartupWindow: -1, SteadyWindow: -1}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.options.Path, c.options.IMDSTransport, c.options.LookupEnv = credential.PodIdentity, c.endpoint, noEnv
				_, err := create(t, c.options, nil).GetToken(t.Context(), ask(scope))
				if (err == nil) != c.ok {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func TestANewConnectionIsUsedForEveryTry(t *testing.T) {
	for _, c := range []struct {
		name string
		use  func(*credential.Options, *credentialtest.Server)
	}{
		{"with our transport", func(o *credential.Options, s *credentialtest.Server) { o.DialIMDS = dialTo(s) }},
		{"with a transport that keeps connections", func(o *credential.Options, s *credentialtest.Server) {
			o.IMDSTransport = &http.Client{Transport: s.Transport("")}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, credentialtest.EntraOptions{})
			w.imds.Attach(w.identity())
			nmi, err := credentialtest.NewNMI(w.newNode(), credentialtest.InMemory(w.imds),
				&credentialtest.NMIOptions{Managed: true, PodIP: func(*http.Request) string { return podIP }})
			if err != nil {
				t.Fatal(err)
			}
			gateway := credentialtest.NewGateway(nmi, w.answers(t, credentialtest.Identity{TenantID: tenant, ClientID: kubelet}))
			gateway.Bypass(true)
			server, err := credentialtest.Serve(gateway, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			cred := w.pod(t, nil, func(o *credential.Options) {
				c.use(o, server)
				o.OnEvent = func(e credential.Event) {
					if e.Kind == credential.EventWrongIdentity { // NMI installs its rule: for new connections
						gateway.Bypass(false)
					}
				}
			})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			token, err := cred.GetToken(ctx, ask(scope))
			if err != nil || owner(t, token) != w.client {
				t.Fatalf("a kept connection would still reach IMDS: %v", err)
			}
		})
	}
}
