package credentialtest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// FuzzTokenRequest sends any form to the token endpoint. The double must answer,
// never with a token unless the assertion is the good one.
func FuzzTokenRequest(f *testing.F) {
	w := newWorld(f, credentialtest.EntraOptions{Record: 1})
	good := w.mint(f, credentialtest.ServiceAccountToken{})
	f.Add(tokenForm(good).Encode(), "/"+tenant+"/oauth2/v2.0/token")
	f.Add(tokenForm("a.b.c").Encode(), "/"+tenant+"/oauth2/token")
	f.Add("grant_type=client_credentials&client_id=%zz", "//oauth2/v2.0/token")
	f.Add("grant_type=password", "/x/oauth2/v2.0/token")
	f.Add("", "/common/discovery/instance")
	f.Fuzz(func(t *testing.T, body, path string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://login.microsoftonline.com/", strings.NewReader(body))
		if err != nil {
			t.Skip("not a request")
		}
		req.URL = &url.URL{Scheme: "https", Host: "login.microsoftonline.com", Path: path}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := w.hosts.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		var answer map[string]any
		if res.StatusCode != http.StatusNotFound {
			if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
				t.Fatalf("status %d is not JSON: %v", res.StatusCode, err)
			}
		}
		if answer["access_token"] != nil {
			form, err := url.ParseQuery(body)
			if err != nil || form.Get("client_assertion") != good {
				t.Fatalf("a token for %q", body)
			}
		}
	})
}

// FuzzNMI sends any path, query and address to NMI.
func FuzzNMI(f *testing.F) {
	n := newNode(f, credentialtest.NMIOptions{AttemptsForCreated: -1, AttemptsForAssigned: 1, PodLooks: 1}, state())
	n.attach(app)
	f.Add("/metadata/identity/oauth2/token", byClient[1:], podIP)
	f.Add("/metadata/identity/oauth2/token", "resource=r&msi_res_id=%2f", "::1")
	f.Add("/Metadata/instance", "", "")
	f.Add("/host/token/", "client_id=é", "127.0.0.1")
	f.Fuzz(func(t *testing.T, path, query, ip string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://169.254.169.254/", http.NoBody)
		if err != nil {
			t.Skip("not a request")
		}
		req.URL = &url.URL{Scheme: "http", Host: "169.254.169.254", Path: path, RawQuery: query}
		req.Header.Set("Metadata", "true")
		res, err := credentialtest.InMemory(n.nmi).From(ip).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode == http.StatusOK && ip != podIP {
			t.Fatalf("a stranger at %q got a token by %s?%s", ip, path, query)
		}
	})
}

// FuzzAccessToken verifies any text as an access token.
func FuzzAccessToken(f *testing.F) {
	w := newWorld(f, credentialtest.EntraOptions{})
	good, err := w.entra.Issue(identity(), resource)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good.Value)
	f.Add("a.b.c")
	f.Add("bnVsbA.bnVsbA.bnVsbA")
	f.Fuzz(func(t *testing.T, raw string) {
		if _, err := w.entra.Verify(raw); err == nil && raw != good.Value {
			t.Fatalf("%q is accepted", raw)
		}
	})
}

// FuzzIssuerDocuments gives Entra any discovery document or key set.
func FuzzIssuerDocuments(f *testing.F) {
	w := newWorld(f, credentialtest.EntraOptions{Record: 1})
	form := tokenForm(w.mint(f, credentialtest.ServiceAccountToken{}))
	f.Add(`{"issuer":"https://issuer.example/tenant/cluster/","jwks_uri":"https://issuer.example/keys","keys":[{"kty":"RSA","kid":"x","n":"AQAB","e":"AQAB"}]}`)
	f.Add(`{"issuer":"https://issuer.example/tenant/cluster/","jwks_uri":"://"}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, body string) {
		w.issuer.Fail(credentialtest.Canned{Body: body})
		if res, answer := w.post(t, tokenEndpoint, form); res.StatusCode == http.StatusOK {
			t.Fatalf("%q made Entra believe: %s", body, answer)
		}
	})
}
