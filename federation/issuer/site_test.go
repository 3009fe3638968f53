package issuer_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// site is a real TLS server with the documents of one issuer below /t/g/.
type site struct {
	*httptest.Server
	issuer string
	pages  map[string]func(http.ResponseWriter)
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if page := s.pages[r.URL.Path]; page != nil {
		page(w)
		return
	}
	http.NotFound(w, r)
}

func text(body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { _, _ = io.WriteString(w, body) }
}

func asJSON(v any) func(http.ResponseWriter) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text(string(raw))
}

const (
	documentPath = "/t/g/.well-known/openid-configuration"
	keysPath     = "/t/g/openid/v1/jwks"
)

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	s.issuer = "https://oidc.example.com/t/g/"
	s.pages = map[string]func(http.ResponseWriter){documentPath: s.document(s.issuer), keysPath: asJSON(keySet(rsaKey(t, "k1")))}
	return s
}

func (s *site) document(name string) func(http.ResponseWriter) {
	return asJSON(map[string]any{
		"issuer": name, "jwks_uri": s.issuer + "openid/v1/jwks", "id_token_signing_alg_values_supported": []string{"RS256"},
		"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
	})
}

func keySet(keys ...map[string]string) map[string]any { return map[string]any{"keys": keys} }

// sharedKey is made once: RSA keys are slow to make, and which one it is matters to no test.
var sharedKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func rsaKey(t *testing.T, id string) map[string]string {
	t.Helper()
	key, err := sharedKey()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"kid": id, "kty": "RSA", "use": "sig", "alg": "RS256",
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}
}

func ecKey(t *testing.T) map[string]string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"kid": "ec", "kty": "EC", "alg": "ES256", "crv": "P-256", "x": base64.RawURLEncoding.EncodeToString(raw[1:33])}
}
