package issuer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation/issuer"
)

func kinds(v *issuer.Verification) []issuer.ProblemKind {
	var out []issuer.ProblemKind
	for _, p := range v.Problems {
		out = append(out, p.Kind)
	}
	return out
}

func TestAGoodIssuerIsVerified(t *testing.T) {
	s := newSite(t)
	v, err := issuer.Verify(t.Context(), s.issuer, &issuer.Options{Client: s.Client()})
	if err != nil || !v.OK() {
		t.Fatalf("verification %+v, error %v", v, err)
	}
	if diff := cmp.Diff([]issuer.Key{{ID: "k1", Bits: 2048}}, v.Keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if found := v.Findings("aks"); len(found) != 0 {
		t.Errorf("findings %v", found)
	}
}

func TestWhatIsWrongWithAnIssuerIsNamed(t *testing.T) {
	tests := map[string]struct {
		change func(*testing.T, *site)
		issuer string // other than the site's
		want   []issuer.ProblemKind
		says   string
	}{
		"the document has no slash at the end": {
			change: func(_ *testing.T, s *site) { s.pages[documentPath] = s.document(strings.TrimSuffix(s.issuer, "/")) },
			want:   []issuer.ProblemKind{issuer.IssuerDiffers}, says: "slash at the end is missing",
		},
		"the caller has no slash at the end": {
			issuer: "https://oidc.example.com/t/g", want: []issuer.ProblemKind{issuer.IssuerDiffers}, says: "slash too many",
		},
		"the document is in other letter case": {
			change: func(_ *testing.T, s *site) { s.pages[documentPath] = s.document(strings.ToUpper(s.issuer)) },
			want:   []issuer.ProblemKind{issuer.IssuerDiffers}, says: "letter case differs",
		},
		"the document has both": {
			change: func(_ *testing.T, s *site) { s.pages[documentPath] = s.document("https://OIDC.example.com/t/g") },
			want:   []issuer.ProblemKind{issuer.IssuerDiffers}, says: "letter case and the slash",
		},
		"the document names another issuer": {
			change: func(_ *testing.T, s *site) { s.pages[documentPath] = s.document("https://other.example.com/") },
			want:   []issuer.ProblemKind{issuer.IssuerDiffers}, says: "different issuers",
		},
		"there is no document": {
			change: func(_ *testing.T, s *site) { delete(s.pages, documentPath) },
			want:   []issuer.ProblemKind{issuer.NotFetched}, says: "HTTP 404",
		},
		"the document is a page of HTML": {
			change: func(_ *testing.T, s *site) { s.pages[documentPath] = text("<html>") },
			want:   []issuer.ProblemKind{issuer.BadDocument}, says: "not a discovery document",
		},
		"the document never ends": {
			change: func(_ *testing.T, s *site) { s.pages[documentPath] = text(strings.Repeat(" ", 5000)) },
			want:   []issuer.ProblemKind{issuer.NotFetched}, says: "longer than 4096 bytes",
		},
		"the document moves to plain http": {
			change: func(_ *testing.T, s *site) {
				s.pages[documentPath] = func(w http.ResponseWriter) {
					w.Header().Set("Location", "http://oidc.example.com/t/g/")
					w.WriteHeader(http.StatusFound)
				}
			},
			want: []issuer.ProblemKind{issuer.NotFetched}, says: "not https",
		},
		"jwks_uri is plain http": {
			change: func(_ *testing.T, s *site) {
				s.pages[documentPath] = asJSON(map[string]any{"issuer": s.issuer, "jwks_uri": "http://oidc.example.com/keys"})
			},
			want: []issuer.ProblemKind{issuer.BadDocument}, says: "not an https URL",
		},
		"tokens are signed with ES256 alone": {
			change: func(t *testing.T, s *site) {
				s.pages[documentPath] = asJSON(map[string]any{"issuer": s.issuer, "jwks_uri": s.issuer + "openid/v1/jwks", "id_token_signing_alg_values_supported": []string{"ES256"}})
				s.pages[keysPath] = asJSON(keySet(ecKey(t)))
			},
			want: []issuer.ProblemKind{issuer.BadKeys, issuer.BadKeys, issuer.BadKeys}, says: "Entra takes RS256 alone",
		},
		"one of two keys is for ES256": {
			change: func(t *testing.T, s *site) { s.pages[keysPath] = asJSON(keySet(ecKey(t), rsaKey(t, "k1"))) },
			want:   []issuer.ProblemKind{issuer.BadKeys}, says: `key "ec"`,
		},
		"there are no keys": {
			change: func(_ *testing.T, s *site) { s.pages[keysPath] = asJSON(keySet()) },
			want:   []issuer.ProblemKind{issuer.BadKeys}, says: "no key for RS256",
		},
		"the keys are for encryption": {
			change: func(_ *testing.T, s *site) {
				s.pages[keysPath] = asJSON(keySet(map[string]string{"kty": "RSA", "use": "enc"}))
			},
			want: []issuer.ProblemKind{issuer.BadKeys}, says: "no key for RS256",
		},
		"the modulus is short": {
			change: func(_ *testing.T, s *site) {
				s.pages[keysPath] = asJSON(keySet(map[string]string{"kid": "k", "kty": "RSA", "n": "AQAB", "e": "AQAB"}))
			},
			want: []issuer.ProblemKind{issuer.BadKeys, issuer.BadKeys}, says: "fewer than 2048",
		},
		"the exponent is one": {
			change: func(_ *testing.T, s *site) {
				s.pages[keysPath] = asJSON(keySet(map[string]string{"kid": "k", "kty": "RSA", "n": "AQAB", "e": "AQ"}))
			},
			want: []issuer.ProblemKind{issuer.BadKeys, issuer.BadKeys}, says: "exponent",
		},
		"the keys are gone": {
			change: func(_ *testing.T, s *site) { delete(s.pages, keysPath) },
			want:   []issuer.ProblemKind{issuer.NotFetched}, says: "HTTP 404",
		},
		"the keys are text": {
			change: func(_ *testing.T, s *site) { s.pages[keysPath] = text("no") },
			want:   []issuer.ProblemKind{issuer.BadKeys, issuer.BadKeys}[:1], says: "not a key set",
		},
		"plain http":             {issuer: "http://oidc.example.com/", want: []issuer.ProblemKind{issuer.NotAnIssuer}, says: "https"},
		"white space":            {issuer: "https://oidc.example.com/ ", want: []issuer.ProblemKind{issuer.NotAnIssuer}, says: "white space"},
		"a query":                {issuer: "https://oidc.example.com/?a", want: []issuer.ProblemKind{issuer.NotAnIssuer}, says: "query"},
		"a fragment":             {issuer: "https://oidc.example.com/#", want: []issuer.ProblemKind{issuer.NotAnIssuer}, says: "fragment"},
		"user information":       {issuer: "https://a:b@oidc.example.com/", want: []issuer.ProblemKind{issuer.NotAnIssuer}, says: "user information"},
		"nothing":                {issuer: " ", want: []issuer.ProblemKind{issuer.NotAnIssuer}, says: "white space"},
		"601 characters":         {issuer: "https://oidc.example.com/" + strings.Repeat("ü", 576), want: []issuer.ProblemKind{issuer.NotAnIssuer}, says: "longer than 600"},
		"the in-cluster default": {issuer: "https://kubernetes.default.svc.cluster.local", want: []issuer.ProblemKind{issuer.Private, issuer.NotFetched}, says: "Entra cannot reach"},
		"a private address":      {issuer: "https://10.0.0.1/", want: []issuer.ProblemKind{issuer.Private, issuer.NotFetched}, says: "Entra cannot reach"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			if tt.change != nil {
				tt.change(t, s)
			}
			target := s.issuer
			if tt.issuer != "" {
				target = tt.issuer
			}
			v, err := issuer.Verify(t.Context(), target, &issuer.Options{Client: onlyExample(s.Client()), MaxBody: 4096})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, kinds(v)); diff != "" {
				t.Fatalf("problems (-want +got):\n%s\n%+v", diff, v.Problems)
			}
			if all := fmt.Sprint(v.Problems); !strings.Contains(all, tt.says) {
				t.Errorf("problems %s do not say %q", all, tt.says)
			}
			if found := v.Findings("aks-east"); len(found) != len(tt.want) || found[0].Cluster != "aks-east" || found[0].Remedy == "" {
				t.Errorf("findings %+v", found)
			}
		})
	}
}

// onlyExample keeps tests off every network but the test server's.
func onlyExample(c *http.Client) *http.Client {
	next := c.Transport
	out := *c
	out.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Hostname() != "oidc.example.com" {
			return nil, errors.New("no route to " + r.URL.Hostname())
		}
		return next.RoundTrip(r)
	})
	return &out
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestPrivateAndUnreachableIssuersAreWarningsNotFailures(t *testing.T) {
	v, err := issuer.Verify(t.Context(), "https://kubernetes.default.svc", &issuer.Options{Client: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("no such host")
	})}})
	if err != nil || !v.Has(issuer.Private) || !v.Has(issuer.NotFetched) || v.Has(issuer.BadKeys) {
		t.Fatalf("verification %+v, error %v", v, err)
	}
	for _, f := range v.Findings("c") {
		if f.Severity != catalog.Warning || f.Code != issuer.Unreachable {
			t.Errorf("finding %+v", f)
		}
	}
}

func TestASlowIssuerIsGivenUpAndAnEndedContextIsAnError(t *testing.T) {
	hang := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})}
	v, err := issuer.Verify(t.Context(), "https://oidc.example.com/", &issuer.Options{Client: hang, Timeout: time.Millisecond})
	if err != nil || !v.Has(issuer.NotFetched) {
		t.Errorf("verification %+v, error %v", v, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = issuer.Verify(ctx, "https://oidc.example.com/", &issuer.Options{Client: hang, Timeout: -1}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
