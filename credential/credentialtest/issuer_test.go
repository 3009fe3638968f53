package credentialtest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

func TestIssuerServesItsDocumentsBelowItsPath(t *testing.T) {
	for _, tt := range []struct{ url, path, jwks string }{
		{"https://issuer.example/", "/.well-known/openid-configuration", "https://issuer.example/openid/v1/jwks"},
		{"https://issuer.example", "/.well-known/openid-configuration", "https://issuer.example/openid/v1/jwks"},
		{"https://issuer.example/tenant/guid/", "/tenant/guid/.well-known/openid-configuration", "https://issuer.example/tenant/guid/openid/v1/jwks"},
		{"https://issuer.example/tenant/guid", "/tenant/guid/.well-known/openid-configuration", "https://issuer.example/tenant/guid/openid/v1/jwks"},
	} {
		t.Run(tt.url, func(t *testing.T) {
			issuer, err := credentialtest.NewIssuer(tt.url, &credentialtest.IssuerOptions{Key: issuerKey()})
			if err != nil {
				t.Fatal(err)
			}
			_, _, body := ask(t, credentialtest.InMemory(issuer), "https://issuer.example"+tt.path, nil)
			var doc struct {
				Issuer string   `json:"issuer"`
				JWKS   string   `json:"jwks_uri"`
				Algs   []string `json:"id_token_signing_alg_values_supported"`
			}
			if err := json.Unmarshal([]byte(body), &doc); err != nil {
				t.Fatal(err)
			}
			if doc.Issuer != tt.url || doc.JWKS != tt.jwks || !cmp.Equal(doc.Algs, []string{"RS256"}) {
				t.Errorf("document %s", body)
			}
			_, _, keys := ask(t, credentialtest.InMemory(issuer), doc.JWKS, nil)
			if !strings.Contains(keys, `"kid":"`+issuer.KeyID()+`"`) || strings.Contains(keys, `"d":`) {
				t.Errorf("keys %s", keys)
			}
			if status, _, _ := ask(t, credentialtest.InMemory(issuer), "https://issuer.example/elsewhere", nil); status != http.StatusNotFound {
				t.Errorf("elsewhere is status %d", status)
			}
		})
	}
}

func TestIssuerRefuses(t *testing.T) {
	for _, url := range []string{"", "issuer.example/", "/tenant", "https://", "://"} {
		if _, err := credentialtest.NewIssuer(url, nil); err == nil {
			t.Errorf("%q is accepted as an issuer", url)
		}
	}
	w := newWorld(t, credentialtest.EntraOptions{})
	if _, err := w.issuer.Mint(credentialtest.ServiceAccountToken{Claims: credentialtest.Claims{"x": func() {}}}); err == nil {
		t.Error("claims that are not JSON are signed")
	}
}

func TestMintedTokensOfTwoIssuersDoNotMix(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	impostor, err := credentialtest.NewIssuer("https://impostor.example/", &credentialtest.IssuerOptions{Key: otherKey()})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := impostor.Mint(credentialtest.ServiceAccountToken{Namespace: "payments", Name: "api", Issuer: w.issuer.URL(), KeyID: w.issuer.KeyID()})
	if err != nil {
		t.Fatal(err)
	}
	if code := w.try(t, raw); code != 700027 {
		t.Errorf("AADSTS%d, want 700027", code)
	}
}

func TestIssuerAndEntraAreSafeForConcurrentUse(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				raw, err := w.issuer.Mint(credentialtest.ServiceAccountToken{Namespace: "payments", Name: "api"})
				if err != nil {
					t.Error(err)
					return
				}
				res, body := w.post(t, tokenEndpoint, tokenForm(raw))
				if res.StatusCode != http.StatusOK {
					t.Errorf("%d %s", res.StatusCode, body)
				}
			}
		})
	}
	wg.Go(func() {
		for range 10 {
			if _, err := w.issuer.Rotate(otherKey()); err != nil {
				t.Error(err)
			}
			w.entra.SetRule(credentialtest.Times(0, credentialtest.Answer{}))
			w.entra.Exchanges()
			w.issuer.Fetches()
		}
	})
	wg.Wait()
	if got := w.entra.Counts()[0]; got != 40 {
		t.Errorf("%d tokens, want 40", got)
	}
}
