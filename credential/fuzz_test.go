package credential_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

func FuzzReadClaims(f *testing.F) {
	payload := func(s string) string { return "e30." + base64.RawURLEncoding.EncodeToString([]byte(s)) + ".sig" }
	for _, s := range []string{`{}`, `{"aud":["a","b"],"exp":1e300,"nbf":-1}`, `{"aud":1,"appid":null,"azp":"x"}`, `null`, `[]`, `{"exp":"soon"}`, ``} {
		f.Add(payload(s))
	}
	f.Add("..")
	f.Add("a.b")
	f.Add("e30.e30=.x")
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := credential.ReadClaims(token)
		if err == nil {
			return
		}
		if !errors.Is(err, credential.ErrUnreadable) || len(token) > 8 && strings.Contains(err.Error(), token) {
			t.Errorf("error %v", err)
		}
		if claims.ClientID != "" || claims.Issuer != "" {
			t.Error("claims beside an error")
		}
	})
}

// checkFuzzed asks once, without retries, and checks what must hold for any answer.
func checkFuzzed(t *testing.T, cred *credential.Credential, want string) {
	t.Helper()
	token, err := cred.GetToken(t.Context(), ask(scope))
	if err == nil {
		if token.Token == "" {
			t.Error("accepted an answer without a token")
		}
		if claims, err := credential.ReadClaims(token.Token); want != "" && (err != nil || !strings.EqualFold(claims.ClientID, want)) {
			t.Errorf("accepted a token of %q, %v", claims.ClientID, err)
		}
		return
	}
	var failed *credential.TokenError
	if !errors.As(err, &failed) || failed.Decision == "" || failed.Meaning == "" || len(err.Error()) > 8000 {
		t.Errorf("error %v", err)
	}
}

func FuzzMetadataAnswer(f *testing.F) {
	id := newClient()
	f.Add(200, "", "", "30", []byte(`{"access_token":"e30.eyJhcHBpZCI6IngifQ.x","expires_in":"1"}`))
	f.Add(200, "IMDS/1", "text/html", "", []byte("<html>"))
	f.Add(200, "", "", "", []byte(`[{}]`))
	f.Add(202, "", "", "", []byte(`{"expires_in":"0"}`)) // azidentity returns an empty token without an error
	f.Add(503, "", "text/plain", "99999999999", []byte("Kubernetes secret"))
	f.Add(403, "", "text/plain", "Mon, 02 Jan 2106 15:04:05 GMT", []byte("Identity not found AADSTS700213"))
	f.Add(500, "azure-workload-identity/proxy", "", "-1", []byte(`AADSTS99999999999999999999`))
	f.Fuzz(func(t *testing.T, status int, server, contentType, retryAfter string, body []byte) {
		if status < 100 || status > 999 {
			return
		}
		cred, err := credential.New(&credential.Options{ClientID: id, LookupEnv: noEnv, StartupWindow: -1, SteadyWindow: -1,
			IMDSTransport: transport(func(r *http.Request) (*http.Response, error) {
				res, err := says(status, server, string(body))(r)
				res.Header.Set("Content-Type", contentType)
				res.Header.Set("Retry-After", retryAfter)
				return res, err
			})})
		if err != nil {
			t.Fatal(err)
		}
		checkFuzzed(t, cred, id)
	})
}

func FuzzEntraAnswer(f *testing.F) {
	w := newWorld(f, credentialtest.EntraOptions{})
	f.Add(401, []byte(`{"error":"invalid_client","error_description":"AADSTS700213: 'x' \"y\"","error_codes":[700213]}`))
	f.Add(400, []byte(`{"error_codes":["x"]}`))
	f.Add(400, []byte(`{"error_codes":[1e99]}`))
	f.Add(200, []byte(`{"access_token":"x","expires_in":3600,"token_type":"Bearer"}`))
	f.Add(200, []byte(`<`))
	f.Add(200, []byte(`{"expires_in":3600,"token_type":"Bearer"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 100 || status > 999 {
			return
		}
		cred := create(t, credential.Options{LookupEnv: w.env, StartupWindow: -1, SteadyWindow: -1,
			ClientOptions: azcore.ClientOptions{Transport: transport(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodGet {
					return w.hosts.Do(r)
				}
				return says(status, "", string(body))(r)
			})}}, nil)
		checkFuzzed(t, cred, "")
	})
}

func FuzzTokenFile(f *testing.F) {
	w := newWorld(f, credentialtest.EntraOptions{})
	f.Add([]byte(w.project(f, credentialtest.ServiceAccountToken{})))
	f.Add([]byte("e30.e30.\n"))
	f.Add([]byte("\x00"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(w.file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		cred := w.workload(t, func(o *credential.Options) { o.StartupWindow, o.SteadyWindow = -1, -1 })
		checkFuzzed(t, cred, "")
		if d := cred.Diagnose(t.Context(), scope); d.OK() {
			t.Error("nothing is federated, so nothing can be fine")
		}
	})
}
