package credentialtest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// TestAzidentityAgainstNMI repeats what was measured with azidentity 1.15.0 and
// the real handlers of NMI 1.8: the double must make azidentity behave the same.
// Times differ by azidentity's jitter.
func TestAzidentityAgainstNMI(t *testing.T) {
	const s = time.Second
	never := time.Hour
	for name, tt := range map[string]struct {
		opts     credentialtest.NMIOptions
		known    time.Duration // when NMI's informer shows the pod
		assigned time.Duration
		limit    time.Duration // of the caller, 0: none
		from, to time.Duration // when GetToken returns
		fails    bool
		saw      map[int]int // requests by status, at most
	}{
		"assigned at 30 s": {assigned: 30 * s, from: 30 * s, to: 30 * s, saw: map[int]int{200: 1}},
		"assigned at 70 s": {assigned: 70 * s, from: 70 * s, to: 77 * s, saw: map[int]int{404: 1, 200: 1}},
		"assigned at 90 s": {assigned: 90 * s, from: 90 * s, to: 97 * s, saw: map[int]int{404: 1, 200: 1}},
		"assigned at 130 s, after two requests timed out": {assigned: 130 * s, from: 130 * s, to: 138 * s, saw: map[int]int{404: 2, 200: 1}},
		"pod unknown and assigned at 20 s":                {known: 20 * s, assigned: 20 * s, from: 20 * s, to: 33 * s, saw: map[int]int{500: 3, 200: 1}},
		"with --set-retry-after-header, assigned at 45 s": {
			opts: credentialtest.NMIOptions{RetryAfterHeader: true, AttemptsForCreated: 1, AttemptsForAssigned: 1, Interval: s}, assigned: 45 * s,
			from: 62 * s, to: 65 * s, saw: map[int]int{503: 3, 200: 1},
		},
		"the caller gives up after 10 s":           {assigned: 30 * s, limit: 10 * s, from: 10 * s, to: 10 * s, fails: true, saw: map[int]int{404: 1}},
		"never assigned: azidentity gives up late": {assigned: never, from: 480 * s, to: 530 * s, fails: true, saw: map[int]int{404: 7}},
	} {
		t.Run(name, func(t *testing.T) {
			entraKey()
			issuerKey()
			synctest.Test(t, func(t *testing.T) {
				clientID := freshClient()
				n := newNode(t, tt.opts, credentialtest.NodeState{})
				n.attach(clientID)
				n.After(tt.known, func(s *credentialtest.NodeState) { s.Pods = []credentialtest.Pod{apiPod()} })
				n.AssignLater("payments", "api-0", azureIdentity(clientID), tt.assigned, tt.assigned)
				ctx := t.Context()
				if tt.limit > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.limit)
					defer cancel()
				}
				begin := time.Now()
				cred := managed(t, credentialtest.InMemory(n.nmi).From(podIP), azidentity.ClientID(clientID))
				got, err := cred.GetToken(ctx, scopes)
				took := time.Since(begin)
				if (err != nil) != tt.fails || took < tt.from || took > tt.to {
					t.Errorf("after %v: %v; want between %v and %v, failure %v", took, err, tt.from, tt.to, tt.fails)
				}
				if err == nil {
					if claims, err := n.entra.Verify(got.Token); err != nil || claims.String("appid") != clientID {
						t.Errorf("token of %v: %v", claims, err)
					}
				}
				for op, count := range n.nmi.Requests() {
					if count > tt.saw[op.Status] {
						t.Errorf("NMI answered %d with status %d, want at most %v", count, op.Status, tt.saw)
					}
				}
			})
		})
	}
}

func TestAnObjectIDBehindNMIIsNoID(t *testing.T) {
	clientID := freshClient()
	n := newNode(t, credentialtest.NMIOptions{}, with(assign(azureIdentity(clientID), credentialtest.StateAssigned)))
	n.attach(clientID)
	got, err := managed(t, credentialtest.InMemory(n.nmi).From(podIP), azidentity.ObjectID("somebody else "+clientID)).GetToken(t.Context(), scopes)
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := n.entra.Verify(got.Token); err != nil || claims.String("appid") != clientID {
		t.Errorf("token of %v: %v", claims, err)
	}
}

func TestNMITokensArePassedOnWithoutClientID(t *testing.T) {
	n := newNode(t, credentialtest.NMIOptions{}, state())
	n.attach(app)
	_, header, body := ask(t, credentialtest.InMemory(n.nmi).From(podIP), credentialtest.TokenURL+byClient, metadata)
	for _, want := range []string{`"refresh_token":""`, `"expires_in":"86399"`, `"resource":"https://vault.azure.net"`, `"token_type":"Bearer"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	for _, not := range []string{"client_id", "ext_expires_in", "refresh_in"} {
		if strings.Contains(body, `"`+not+`"`) {
			t.Errorf("NMI told %s", not)
		}
	}
	if header.Get("Server") != "" {
		t.Errorf("NMI says it is %q", header.Get("Server"))
	}
}

func TestHostTokensAreForTheNodeItself(t *testing.T) {
	pod := http.Header{"Podns": {"payments"}, "Podname": {"api-0"}}
	for name, tt := range map[string]struct {
		header http.Header
		from   string
		query  string
		change func(*node)
		status int
		body   string
	}{
		"the driver on the node":   {header: pod, from: "127.0.0.1", query: byClient, status: 200, body: `"clientid":"` + app + `"`},
		"without the headers":      {header: metadata, from: "127.0.0.1", query: byClient, status: 400, body: "missing 'podname' and 'podns' from request header"},
		"from a pod":               {header: pod, from: podIP, query: byClient, status: 500, body: "request remote address is not from a host"},
		"without a resource":       {header: pod, from: "127.0.0.1", query: "?client_id=" + app, status: 400, body: "parameter resource cannot be empty"},
		"an identity nobody has":   {header: pod, from: "127.0.0.1", query: "?resource=r&client_id=x", status: 404, body: "in CREATED state"},
		"the identity is detached": {header: pod, from: "127.0.0.1", query: byClient, change: func(n *node) { n.imds.Detach(app) }, status: 403, body: "Identity not found"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, credentialtest.NMIOptions{AttemptsForCreated: -1, AttemptsForAssigned: 1, RetryAfterHeader: true}, state())
			n.attach(app)
			if tt.change != nil {
				tt.change(n)
			}
			status, header, body := ask(t, credentialtest.InMemory(n.nmi).From(tt.from), "http://169.254.169.254/host/token/"+tt.query, tt.header)
			if status != tt.status || !strings.Contains(body, tt.body) || header.Get("Retry-After") != "" {
				t.Errorf("%d %s, want %d %s", status, body, tt.status, tt.body)
			}
		})
	}
}

func TestPodsCanBeToldApartByAHeader(t *testing.T) {
	n := newNode(t, credentialtest.NMIOptions{PodIP: credentialtest.PodIPHeader("X-Pod")}, state())
	n.attach(app)
	header := metadata.Clone()
	header.Set("X-Pod", podIP)
	if status, _, body := ask(t, credentialtest.InMemory(n.nmi), credentialtest.TokenURL+byClient, header); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if status, _, body := ask(t, credentialtest.InMemory(n.nmi).From(podIP), credentialtest.TokenURL+byClient, metadata); status != 200 {
		t.Errorf("without the header: %d %s", status, body)
	}
}

func TestNMIOverSocketsStopsWaitingWhenTheClientHasGone(t *testing.T) {
	n := newNode(t, credentialtest.NMIOptions{}, with(func(s *credentialtest.NodeState) { s.Assigned, s.Pods[0].IP = nil, "127.0.0.7" }))
	server, err := credentialtest.Serve(n.nmi, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	transport := server.Transport("127.0.0.7")
	if _, _, err := tryAsk(ctx, transport, credentialtest.TokenURL+byClient, metadata); err == nil {
		t.Fatal("NMI answered")
	}
	for len(n.nmi.Requests()) == 0 { // the request ends long before NMI would have
		time.Sleep(5 * time.Millisecond)
	}
	for op := range n.nmi.Requests() {
		if op.Status != http.StatusNotFound || op.Namespace != "payments" {
			t.Errorf("NMI counted %+v", op)
		}
	}
}

func TestAzidentityCannotReadTheTokensOfSeveralTenants(t *testing.T) {
	clientID := freshClient()
	id := servicePrincipal(credentialtest.ServicePrincipal, tenant)
	id.ClientID = clientID
	n := newNode(t, credentialtest.NMIOptions{}, with(assign(id, credentialtest.StateAssigned)))
	n.dir.Put(credentialtest.Identity{TenantID: tenant, ClientID: clientID, ObjectID: object, Secret: "hunter2"})
	_, err := managed(t, credentialtest.InMemory(n.nmi).From(podIP), azidentity.ClientID(clientID)).GetToken(t.Context(), scopes)
	if err == nil {
		t.Error("azidentity read an array of tokens")
	}
	want := credentialtest.Operation{Type: "/metadata/identity/oauth2/token", Status: http.StatusOK, Namespace: "payments", Resource: resource}
	if n.nmi.Requests()[want] != 1 {
		t.Errorf("NMI counted %v", n.nmi.Requests())
	}
}
