package credentialtest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

const app = "66666666-aaaa-bbbb-cccc-777777777777"

// state holds one pod whose identity is assigned.
func state() credentialtest.NodeState {
	s := credentialtest.NodeState{
		Pods:       []credentialtest.Pod{apiPod()},
		Bindings:   []credentialtest.AzureIdentityBinding{{Namespace: "payments", Name: "b", AzureIdentity: "payments", Selector: "payments"}},
		Identities: []credentialtest.AzureIdentity{azureIdentity(app)},
	}
	s.Assign("payments", "api-0", azureIdentity(app), credentialtest.StateAssigned)
	return s
}

func with(change func(*credentialtest.NodeState)) credentialtest.NodeState {
	s := state()
	change(&s)
	return s
}

func servicePrincipal(kind int, aux ...string) credentialtest.AzureIdentity {
	id := azureIdentity(app)
	id.Type, id.TenantID, id.AuxiliaryTenantIDs = kind, tenant, aux
	id.SecretNamespace, id.SecretName = "payments", "sp"
	return id
}

func assign(id credentialtest.AzureIdentity, status string) func(*credentialtest.NodeState) {
	return func(s *credentialtest.NodeState) {
		s.Assigned = nil
		s.Assign("payments", "api-0", id, status)
		s.Secrets = map[string]map[string][]byte{"payments/sp": {"secret": []byte("hunter2"), "certificate": []byte("hunter2")}}
	}
}

const (
	byClient = "?resource=https%3A%2F%2Fvault.azure.net&client_id=" + app
	byArmID  = "?resource=https%3A%2F%2Fvault.azure.net&msi_res_id=" + armID
	noID     = "?resource=https%3A%2F%2Fvault.azure.net"
	imdsText = "adal: Refresh request failed. Status Code = "
)

// TestNMIAnswers holds a row for each situation in which NMI 1.8 is known to
// answer in its own way. took is exact: time is synthetic.
func TestNMIAnswers(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	created := with(assign(azureIdentity(app), credentialtest.StateCreated))
	unassigned := with(func(s *credentialtest.NodeState) { s.Assigned = nil })
	foreign := azureIdentity(app)
	foreign.Namespace = "shared"
	annotated := foreign
	annotated.Namespaced = true
	nobody := credentialtest.NodeState{}

	for name, tt := range map[string]struct {
		opts   credentialtest.NMIOptions
		state  credentialtest.NodeState
		node   func(*node)
		url    string
		header http.Header
		from   string

		status int
		body   string // part of the body
		took   time.Duration
		retry  string
	}{
		"the metadata header is missing":                {url: byClient, header: http.Header{}, status: 400, body: `{"error":"invalid_request","error_description":"Required metadata header not specified"}`},
		"the metadata header is True":                   {url: byClient, header: http.Header{"Metadata": {"True"}}, status: 400, body: "Required metadata header"},
		"the metadata header is optional":               {opts: credentialtest.NMIOptions{MetadataHeaderOptional: true}, state: state(), url: byClient, header: http.Header{}, status: 200, body: `"access_token":`},
		"the resource is missing":                       {state: state(), url: "?client_id=" + app, status: 400, body: "parameter resource cannot be empty"},
		"a bad token path":                              {state: state(), url: "https://x/metadata/identity/token/oauth2/token", status: 400, body: "Invalid request"},
		"metadata in capitals":                          {state: state(), url: "https://x/METADATA/identity/oauth2/token" + byClient, status: 200, body: `"access_token":`},
		"Identity with a capital goes to the real IMDS": {state: state(), node: func(n *node) { n.imds.Detach(app) }, url: "https://x/metadata/Identity/oauth2/token" + noID, status: 200, body: kubelet},
		"instance metadata is forwarded":                {state: state(), url: "https://x/metadata/instance", status: 404, body: "404 page not found"},
		"instance metadata is blocked":                  {opts: credentialtest.NMIOptions{BlockInstanceMetadata: true}, state: state(), url: "https://x/metadata/instance", status: 403, body: "Request blocked by AAD Pod Identity NMI"},

		"the pod is not in the informer":  {state: nobody, url: byClient, status: 500, body: "pod list is empty", took: 1200 * ms},
		"the pod has finished":            {state: with(func(s *credentialtest.NodeState) { s.Pods[0].Phase = "Succeeded" }), url: byClient, status: 500, body: "pod list is empty", took: 1200 * ms},
		"the pod appears while NMI looks": {state: nobody, node: func(n *node) { n.After(s, func(ns *credentialtest.NodeState) { *ns = state() }) }, url: byClient, status: 200, body: `"access_token":`, took: 1200 * ms},
		"two pods have the address": {state: with(func(s *credentialtest.NodeState) {
			s.Pods = append(s.Pods, credentialtest.Pod{Namespace: "payments", Name: "api-1", IP: podIP})
		}), url: byClient, status: 500, body: "failed to match pod IP 10.0.0.7 with [payments/api-0 payments/api-1]"},
		"the address is IPv6":               {state: state(), url: byClient, from: "fe80::1", status: 500, body: "request remote address is empty"},
		"exceptions cannot be listed":       {state: state(), node: func(n *node) { n.FailExceptions(errors.New("the cache is broken")) }, url: byClient, status: 500, body: "the cache is broken"},
		"nothing is created, by client ID":  {state: unassigned, url: byClient, status: 404, body: "clientID in request: 6666##### REDACTED #####7777, getting assigned identities for pod payments/api-0 in CREATED state failed after 16 attempts, retry duration [5]s, error: <nil>. Check MIC pod logs for identity assignment errors", took: 80 * s},
		"nothing is created, without an ID": {state: unassigned, url: noID, status: 404, body: "getting assigned identities for pod payments/api-0 in CREATED state failed after 16 attempts", took: 80 * s},
		"created, never assigned":           {state: created, url: byClient, status: 404, body: "in ASSIGNED state failed after 20 attempts, retry duration [5]s", took: 100 * s},
		"unassigned counts as nothing":      {state: with(assign(azureIdentity(app), credentialtest.StateUnassigned)), url: byClient, status: 404, body: "in CREATED state", took: 80 * s},
		"no state counts as assigned":       {state: with(assign(azureIdentity(app), "")), url: byClient, status: 200, body: `"access_token":`},
		"nothing is created, with --set-retry-after-header": {
			opts: credentialtest.NMIOptions{RetryAfterHeader: true}, state: unassigned, url: byClient, status: 503, body: "in CREATED state", took: 80 * s, retry: "20",
		},
		"managed, no binding, with --set-retry-after-header": {
			opts: credentialtest.NMIOptions{RetryAfterHeader: true, Managed: true}, state: credentialtest.NodeState{Pods: []credentialtest.Pod{apiPod()}}, url: byClient, status: 503, body: "no azure identity found", retry: "20",
		},
		"attempts and interval are flags": {
			opts: credentialtest.NMIOptions{AttemptsForCreated: 1, AttemptsForAssigned: 1, Interval: s}, state: unassigned, url: byClient, status: 404, body: "failed after 1 attempts, retry duration [1]s", took: s,
		},
		"no attempts at all": {
			opts: credentialtest.NMIOptions{AttemptsForCreated: -1, AttemptsForAssigned: 1}, state: unassigned, url: byClient, status: 404, body: "in CREATED state failed after 0 attempts",
		},
		"assigned while NMI waits": {
			state: unassigned, node: func(n *node) { n.AssignLater("payments", "api-0", azureIdentity(app), 12*s, 31*s) }, url: byClient, status: 200, body: `"access_token":`, took: 35 * s,
		},
		"assigned after created, beyond 80 s": {
			state: unassigned, node: func(n *node) { n.AssignLater("payments", "api-0", azureIdentity(app), 60*s, 90*s) }, url: byClient, status: 200, body: `"access_token":`, took: 90 * s,
		},
		"the client ID differs in letter case":          {state: state(), url: "?resource=r&client_id=" + strings.ToUpper(app), status: 404, body: "no azure identity found for request clientID 6666##### REDACTED #####7777"},
		"managed, the client ID differs in letter case": {opts: credentialtest.NMIOptions{Managed: true}, state: state(), url: "?resource=r&client_id=" + strings.ToUpper(app), status: 404, body: "no azure identity found"},
		"by resource ID":        {state: state(), url: byArmID, status: 200, body: `"access_token":`},
		"an object ID is no ID": {state: state(), url: noID + "&object_id=nobody", status: 200, body: `"access_token":`},
		"another namespace":     {state: with(assign(foreign, credentialtest.StateAssigned)), url: byClient, status: 200, body: `"access_token":`},
		"another namespace, forced": {
			opts: credentialtest.NMIOptions{ForceNamespaced: true}, state: with(assign(foreign, credentialtest.StateAssigned)), url: byClient, status: 404, body: "no azure identity found",
		},
		"another namespace, annotated": {state: with(assign(annotated, credentialtest.StateAssigned)), url: byClient, status: 404, body: "no azure identity found"},
		"another namespace, forced, without an ID: NMI panics": {
			opts: credentialtest.NMIOptions{ForceNamespaced: true}, state: with(assign(foreign, credentialtest.StateAssigned)), url: noID, status: 500, body: "runtime error: index out of range [0] with length 0",
		},
		"managed, bound":             {opts: credentialtest.NMIOptions{Managed: true}, state: state(), url: byClient, status: 200, body: `"access_token":`},
		"managed, nothing is bound":  {opts: credentialtest.NMIOptions{Managed: true}, state: credentialtest.NodeState{Pods: []credentialtest.Pod{apiPod()}}, url: byClient, status: 404, body: "no azure identity found for request clientID 6666##### REDACTED #####7777"},
		"managed, without an ID":     {opts: credentialtest.NMIOptions{Managed: true}, state: credentialtest.NodeState{Pods: []credentialtest.Pod{apiPod()}}, url: noID, status: 404, body: "no azure identity found for request clientID"},
		"managed, an empty selector": {opts: credentialtest.NMIOptions{Managed: true}, state: with(func(s *credentialtest.NodeState) { s.Pods[0].Labels = nil; s.Bindings[0].Selector = "" }), url: byClient, status: 200, body: `"access_token":`},
		"managed, an identity without client ID: the node's own is given away": {
			opts: credentialtest.NMIOptions{Managed: true}, state: with(func(s *credentialtest.NodeState) { s.Identities = []credentialtest.AzureIdentity{azureIdentity("")} }),
			node: func(n *node) { n.imds.Detach(app) }, url: noID, status: 200, body: kubelet,
		},
		"the identity is not attached to the node": {
			state: state(), node: func(n *node) { n.imds.Detach(app) }, url: byClient, status: 403,
			body: imdsText + `'400'. Response body: {"error":"invalid_request","error_description":"Identity not found"} Endpoint http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&client_id=` + app,
		},
		"IMDS is throttled":      {state: state(), node: func(n *node) { n.imds.Fail(credentialtest.Canned{Status: 429, Body: "slow down"}) }, url: byClient, status: 403, body: imdsText + "'429'. Response body: slow down", took: 112 * s},
		"IMDS is updating":       {state: state(), node: func(n *node) { n.imds.Fail(credentialtest.Canned{Status: 410}) }, url: byClient, status: 403, body: imdsText + "'410'", took: 112 * s},
		"IMDS is broken":         {state: state(), node: func(n *node) { n.imds.Fail(credentialtest.Canned{Status: 500}) }, url: byClient, status: 403, body: imdsText + "'500'", took: 112 * s},
		"IMDS cannot be reached": {state: state(), node: func(n *node) { n.imds.Fail(credentialtest.Canned{Reset: true}) }, url: byClient, status: 503, body: "adal: Failed to execute the refresh request. Error = 'Get \"http://169.254.169.254/metadata/identity/oauth2/token"},
		"IMDS says nothing":      {state: state(), node: func(n *node) { n.imds.Fail(credentialtest.Canned{}) }, url: byClient, status: 503, body: "adal: Empty service principal token received during refresh"},
		"IMDS says rubbish":      {state: state(), node: func(n *node) { n.imds.Fail(credentialtest.Canned{Body: "<html>"}) }, url: byClient, status: 503, body: "adal: Failed to unmarshal the service principal token during refresh"},
		"an unsupported type":    {state: with(assign(servicePrincipal(7), credentialtest.StateAssigned)), url: byClient, status: 503, body: "unsupported identity type 7"},
		"a service principal":    {state: with(assign(servicePrincipal(1), credentialtest.StateAssigned)), url: byClient, status: 200, body: `{"access_token":`},
		"a certificate":          {state: with(assign(servicePrincipal(2), credentialtest.StateAssigned)), url: byClient, status: 200, body: `{"access_token":`},
		"auxiliary tenants":      {state: with(assign(servicePrincipal(1, tenant), credentialtest.StateAssigned)), url: byClient, status: 200, body: `[{"access_token":`},
		"a secret that is missing": {state: with(func(s *credentialtest.NodeState) {
			assign(servicePrincipal(1), credentialtest.StateAssigned)(s)
			s.Secrets = nil
		}), url: byClient, status: 503, body: `failed to get Kubernetes secret payments/sp, err: secrets "sp" not found`},
		"a secret that is wrong": {
			state: with(func(s *credentialtest.NodeState) {
				assign(servicePrincipal(1), credentialtest.StateAssigned)(s)
				s.Secrets["payments/sp"] = map[string][]byte{"secret": []byte("wrong")}
			}), url: byClient, status: 403, body: imdsText + `'401'. Response body: {"error":"invalid_client","error_description":"AADSTS7000215`,
		},
		"an excepted pod gets what IMDS gives": {
			state: with(func(s *credentialtest.NodeState) {
				s.Exceptions = []credentialtest.AzurePodIdentityException{{Namespace: "payments", Name: "e", PodLabels: map[string]string{"other": "x", "aadpodidbinding": "PAYMENTS"}}}
				s.Assigned = nil
			}), url: byClient, status: 200, body: `"access_token":`,
		},
		"an excepted pod is refused with 403 whatever happened": {
			state: with(func(s *credentialtest.NodeState) {
				s.Exceptions = []credentialtest.AzurePodIdentityException{{Namespace: "payments", Name: "e", PodLabels: map[string]string{"aadpodidbinding": "payments"}}}
			}), node: func(n *node) { n.imds.Fail(credentialtest.Canned{Reset: true}) }, url: byClient, status: 403, body: "failed to get service principal token, error: adal: Failed to execute",
		},
	} {
		t.Run(name, func(t *testing.T) {
			entraKey()
			issuerKey()
			synctest.Test(t, func(t *testing.T) {
				n := newNode(t, tt.opts, tt.state)
				n.attach(app)
				if tt.node != nil {
					tt.node(n)
				}
				url := tt.url
				if strings.HasPrefix(url, "?") {
					url = credentialtest.TokenURL + url
				}
				header, from := tt.header, tt.from
				if header == nil {
					header = metadata
				}
				if from == "" {
					from = podIP
				}
				begin := time.Now()
				status, got, body := ask(t, credentialtest.InMemory(n.nmi).From(from), url, header)
				if took := time.Since(begin); status != tt.status || !strings.Contains(body, tt.body) && !strings.Contains(claimsOf(t, n, body), tt.body) || took != tt.took {
					t.Errorf("after %v: %d %s\nwant after %v: %d %s", took, status, body, tt.took, tt.status, tt.body)
				}
				if got.Get("Retry-After") != tt.retry {
					t.Errorf("Retry-After %q, want %q", got.Get("Retry-After"), tt.retry)
				}
				text := strings.HasPrefix(got.Get("Content-Type"), "text/plain") && got.Get("X-Content-Type-Options") == "nosniff"
				if status >= 400 && !text && !strings.HasPrefix(body, "{") {
					t.Errorf("an error of type %q", got.Get("Content-Type"))
				}
			})
		})
	}
}

// claimsOf returns who the token in an answer is for.
func claimsOf(t *testing.T, n *node, body string) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, `"access_token":"`)
	if !ok {
		return ""
	}
	raw, _, _ := strings.Cut(rest, `"`)
	claims, err := n.entra.Verify(raw)
	if err != nil {
		t.Fatal(err)
	}
	return claims.String("appid")
}

func TestNMIStopsWaitingWhenTheClientHasGone(t *testing.T) {
	entraKey()
	issuerKey()
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, credentialtest.NMIOptions{}, with(func(s *credentialtest.NodeState) { s.Assigned = nil }))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		_, _, err := tryAsk(ctx, credentialtest.InMemory(n.nmi).From(podIP), credentialtest.TokenURL+byClient, metadata)
		if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took != 10*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		want := credentialtest.Operation{Type: "/metadata/identity/oauth2/token", Status: 404, Namespace: "payments", Resource: resource}
		if got := n.nmi.Requests(); len(got) != 1 || got[want] != 1 {
			t.Errorf("NMI counted %v", got)
		}
	})
}
