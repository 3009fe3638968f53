package credentialtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// post sends a raw token request.
func (w *world) post(t testing.TB, path string, form url.Values) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://login.microsoftonline.com"+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("client-request-id", "my-correlation")
	res, err := w.hosts.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

func tokenForm(assertion string) url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "client_id": {client}, "scope": {resource + "/.default"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
	}
}

const tokenEndpoint = "/" + tenant + "/oauth2/v2.0/token"

func TestEveryCodeHasEntrasBody(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	form := tokenForm(w.mint(t, credentialtest.ServiceAccountToken{}))
	for _, code := range append(credentialtest.Codes(), 123456) {
		t.Run(fmt.Sprintf("AADSTS%d", code), func(t *testing.T) {
			w.entra.SetRule(credentialtest.Always(credentialtest.Answer{Code: code}))
			res, body := w.post(t, tokenEndpoint, form)
			var e struct {
				Error         string `json:"error"`
				Description   string `json:"error_description"`
				Codes         []int  `json:"error_codes"`
				Timestamp     string `json:"timestamp"`
				TraceID       string `json:"trace_id"`
				CorrelationID string `json:"correlation_id"`
				URI           string `json:"error_uri"`
			}
			if err := json.Unmarshal(body, &e); err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			if res.StatusCode < 400 || e.Error == "" || len(e.Codes) != 1 || e.Codes[0] != code || e.CorrelationID != "my-correlation" ||
				e.URI != fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", code) || e.Timestamp == "" {
				t.Errorf("status %d, body %s", res.StatusCode, body)
			}
			if !strings.HasPrefix(e.Description, fmt.Sprintf("AADSTS%d: ", code)) || strings.ContainsAny(e.Description, "{}") ||
				!strings.Contains(e.Description, "Trace ID: "+e.TraceID+" Correlation ID: my-correlation Timestamp: "+e.Timestamp) {
				t.Errorf("description %q", e.Description)
			}
			if len(e.TraceID) != 36 || res.Header.Get("x-ms-request-id") != e.TraceID {
				t.Errorf("trace ID %q, header %q", e.TraceID, res.Header.Get("x-ms-request-id"))
			}
			if bytesContainAssertion(body, form.Get("client_assertion")) {
				t.Error("the body repeats the assertion")
			}
		})
	}
}

func bytesContainAssertion(body []byte, assertion string) bool {
	signature := assertion[strings.LastIndex(assertion, ".")+1:]
	return strings.Contains(string(body), signature)
}

func TestRulesScriptFailures(t *testing.T) {
	for name, tt := range map[string]struct {
		rule     func() credentialtest.Rule
		took     [2]time.Duration // azidentity's own retries included
		requests int
		code     int
	}{
		"throttled once with Retry-After, which azidentity obeys": {
			rule: func() credentialtest.Rule {
				return credentialtest.Times(1, credentialtest.Answer{Code: 90055, Canned: credentialtest.Canned{RetryAfter: 7 * time.Second}})
			},
			took: [2]time.Duration{7 * time.Second, 7 * time.Second}, requests: 2,
		},
		"broken for two requests": {
			rule: func() credentialtest.Rule {
				return credentialtest.Times(2, credentialtest.Answer{Canned: credentialtest.Canned{Status: 503}})
			},
			took: [2]time.Duration{time.Second, 10 * time.Second}, requests: 3,
		},
		"refused once, which azidentity does not retry": {
			rule: func() credentialtest.Rule {
				return credentialtest.Times(1, credentialtest.Answer{Code: 700213})
			},
			requests: 1, code: 700213,
		},
		"held for 20 seconds": {
			rule: func() credentialtest.Rule {
				return credentialtest.Times(1, credentialtest.Answer{Code: 90006, Canned: credentialtest.Canned{Status: 400, Hold: 20 * time.Second}})
			},
			took: [2]time.Duration{20 * time.Second, 20 * time.Second}, requests: 1, code: 90006,
		},
		"two rules in order": {
			rule: func() credentialtest.Rule {
				return credentialtest.FirstOf(
					credentialtest.Before(time.Now().Add(time.Second), credentialtest.Answer{Canned: credentialtest.Canned{Status: 500, RetryAfter: 2 * time.Second}}),
					credentialtest.Times(1, credentialtest.Answer{Code: 70021}))
			},
			took: [2]time.Duration{2 * time.Second, 2 * time.Second}, requests: 2, code: 70021,
		},
		"reset once": {
			rule: func() credentialtest.Rule {
				return credentialtest.Times(1, credentialtest.Answer{Canned: credentialtest.Canned{Reset: true}})
			},
			took: [2]time.Duration{500 * time.Millisecond, 2 * time.Second}, requests: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			issuerKey()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, credentialtest.EntraOptions{})
				cred := workload(t, w.hosts, w.mint(t, credentialtest.ServiceAccountToken{}), nil)
				w.entra.SetRule(tt.rule())
				begin := time.Now()
				_, err := cred.GetToken(t.Context(), scopes)
				took := time.Since(begin)
				if tt.code == 0 && err != nil {
					t.Fatal(err)
				}
				if tt.code != 0 {
					if code, _ := refusedWith(t, err); code != tt.code {
						t.Errorf("AADSTS%d, want AADSTS%d", code, tt.code)
					}
				}
				if took < tt.took[0] || took > tt.took[1] || w.entra.Total() != tt.requests {
					t.Errorf("took %v and %d requests, want %v and %d", took, w.entra.Total(), tt.took, tt.requests)
				}
			})
		})
	}
}

func TestARuleSeesTheRequestBeforeItIsJudged(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	var seen []credentialtest.Exchange
	w.entra.SetRule(func(x credentialtest.Exchange) *credentialtest.Answer {
		seen = append(seen, x)
		return nil
	})
	cred := workload(t, w.hosts, w.mint(t, credentialtest.ServiceAccountToken{Namespace: "other", Name: "sa"}), func(o *azidentity.WorkloadIdentityCredentialOptions) {})
	if _, err := cred.GetToken(t.Context(), scopes); err == nil {
		t.Fatal("another service account got a token")
	}
	if len(seen) != 1 || seen[0].Subject != "system:serviceaccount:other:sa" || seen[0].Resource != resource || seen[0].Code != 0 {
		t.Errorf("saw %+v", seen)
	}
	w.entra.SetRule(nil)
}

func TestTheRecordForgetsTheOldest(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{Record: 3})
	for i := range 10 {
		form := tokenForm("a.b.c")
		form.Set("client_id", fmt.Sprint(i))
		w.post(t, tokenEndpoint, form)
	}
	got := w.entra.Exchanges()
	if len(got) < 3 || len(got) > 6 || got[len(got)-1].ClientID != "9" || w.entra.Total() != 10 {
		t.Errorf("%d remembered of %d: %+v", len(got), w.entra.Total(), got)
	}
}
