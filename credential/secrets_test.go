package credential_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// sink is an output that many may write to.
type sink struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(b)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// leaks returns the parts of a secret that the output holds.
func leaks(output, secret string) []string {
	var found []string
	for part := range strings.SplitSeq(secret, ".") {
		if len(part) > 12 && strings.Contains(output, part) {
			found = append(found, part[:8]+"…")
		}
	}
	return found
}

// sayChain says every error that err unwraps to.
func sayChain(say func(any), err error) {
	say(err)
	switch u := err.(type) { //nolint:errorlint // walks the whole tree itself
	case interface{ Unwrap() error }:
		sayChain(say, u.Unwrap())
	case interface{ Unwrap() []error }:
		for _, e := range u.Unwrap() {
			sayChain(say, e)
		}
	}
}

func TestNoTokenOrAssertionIsInAnyOutput(t *testing.T) {
	// Sources at their worst: they send back what they were given, and what they issued.
	cases := []struct {
		name    string
		path    credential.Path
		respond func(assertion, token string) string
		status  int
	}{
		{"Entra succeeds", credential.WorkloadIdentity, nil, 0},
		{"Entra echoes the assertion", credential.WorkloadIdentity, func(a, _ string) string {
			return fmt.Sprintf(`{"error_description":"AADSTS700213: presented '%s'","error_codes":[700213]}`, a)
		}, 401},
		{"Entra echoes the assertion as text", credential.WorkloadIdentity, func(a, _ string) string { return "client_assertion=" + a }, 502},
		{"NMI puts a token into an error", credential.PodIdentity, func(_, tok string) string { return `{"access_token":"` + tok + `"}` }, 500},
		{"NMI gives another identity's token", credential.PodIdentity, func(_, tok string) string { return `{"access_token":"` + tok + `","expires_in":"60"}` }, 200},
		{"NMI gives a list of tokens", credential.PodIdentity, func(_, tok string) string { return `[{"access_token":"` + tok + `"}]` }, 200},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, credentialtest.EntraOptions{})
				w.federate(t)
				assertion := w.project(t, credentialtest.ServiceAccountToken{})
				other, err := w.entra.Issue(credentialtest.Identity{TenantID: tenant, ClientID: kubelet}, "https://storage.azure.com")
				if err != nil {
					t.Fatal(err)
				}
				var output sink
				say := func(v any) { fmt.Fprintf(&output, "%v\n%+v\n", v, v) }
				endpoint := transport(func(r *http.Request) (*http.Response, error) {
					if c.respond == nil || c.path == credential.WorkloadIdentity && r.Method == http.MethodGet {
						return w.hosts.Do(r)
					}
					return says(c.status, nmi, c.respond(assertion, other.Value))(r)
				})
				cred := create(t, credential.Options{
					Path: c.path, LookupEnv: w.env, StartupWindow: 2 * time.Second, SteadyWindow: -1,
					Logger:        slog.New(slog.NewJSONHandler(&output, &slog.HandlerOptions{Level: slog.LevelDebug})),
					OnEvent:       func(e credential.Event) { say(e) },
					ClientOptions: azcore.ClientOptions{Transport: endpoint}, IMDSTransport: endpoint,
				}, nil)
				token, err := cred.GetToken(t.Context(), ask(scope))
				if (err == nil) != (c.respond == nil) {
					t.Fatal(err)
				}
				if failed, ok := errors.AsType[*credential.TokenError](err); ok {
					say(failed.Error() + failed.Said + failed.Meaning + failed.Remedy)
					sayChain(say, err) // azidentity's errors quote the answer
				}
				say(cred.Status())
				d := cred.Diagnose(t.Context(), scope)
				say(*d)
				say(d.String())
				if b, err := json.Marshal(d); err == nil {
					say(string(b))
				}
				for _, h := range []http.Handler{cred.StatusHandler(), cred.ReadyHandler(scope)} {
					rec := httptest.NewRecorder()
					h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
					say(rec.Body.String())
				}
				time.Sleep(time.Minute)
				for _, secret := range []string{assertion, other.Value, token.Token} {
					if found := leaks(output.String(), secret); len(found) > 0 {
						t.Errorf("secrets in the output: %v\n%s", found, output.String())
					}
				}
				if len(output.String()) < 500 {
					t.Error("there is too little output for this test to mean anything")
				}
			})
		})
	}
}

func TestTheStatusHandlerTellsTheStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{Propagation: 5 * time.Second})
		w.federate(t)
		cred := w.workload(t, func(o *credential.Options) { o.Rand = func() float64 { return 0.5 } })
		if err := cred.Ready(t.Context(), scope); err != nil {
			t.Fatal(err)
		}
		rec := httptest.NewRecorder()
		cred.StatusHandler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
		golden(t, "testdata/status.json", strings.ReplaceAll(rec.Body.String(), w.client, "CLIENT"))
	})
}
