package issuer_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/federation/issuer"
)

func FuzzVerify(f *testing.F) {
	f.Add("https://oidc.example.com/t/g/", []byte(`{"issuer":"https://oidc.example.com/t/g/","jwks_uri":"https://oidc.example.com/k"}`), []byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`))
	f.Add("https://[::1]:443/%zz", []byte(`{"issuer":1}`), []byte(`{"keys":{}}`))
	f.Add("HTTPS://user@h/?q#f", []byte(`null`), []byte(`{"keys":[null]}`))
	f.Fuzz(func(t *testing.T, name string, doc, keys []byte) {
		client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Scheme != "https" {
				t.Errorf("asked %s", r.URL)
			}
			body := keys
			if strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
				body = doc
			}
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(body))), Request: r, Header: http.Header{}}, nil
		})}
		v, err := issuer.Verify(t.Context(), name, &issuer.Options{Client: client})
		if err != nil || v == nil {
			t.Fatalf("error %v", err)
		}
		if v.OK() {
			var said struct {
				Issuer string `json:"issuer"`
			}
			if json.Unmarshal(doc, &said) != nil || said.Issuer != name || len(v.Keys) == 0 {
				t.Fatalf("issuer %q verified by %s and %s", name, doc, keys)
			}
		}
	})
}
