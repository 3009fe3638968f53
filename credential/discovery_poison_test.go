package credential_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// TestWrongDiscoveryAnswersAreNotRemembered: for 3 s something other than Entra answers everything with 200, as a captive portal or an
// egress proxy does while a node starts.
func TestWrongDiscoveryAnswersAreNotRemembered(t *testing.T) {
	for name, body := range map[string]string{
		"a page":             "<html>sign in</html>",
		"an empty object":    "{}",
		"a foreign endpoint": `{"token_endpoint":"https://evil.example/token","authorization_endpoint":"https://evil.example/a","issuer":"https://evil.example/"}`,
		"half of a document": `{"token_endpoint":"https://login.micros`,
		"an array":           `[]`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, credentialtest.EntraOptions{})
				w.federate(t)
				start := time.Now()
				portal := transport(func(r *http.Request) (*http.Response, error) {
					if time.Since(start) < 3*time.Second {
						return &http.Response{StatusCode: 200, Status: "200 OK", Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
					}
					return w.hosts.Do(r)
				})
				c := w.workload(t, func(o *credential.Options) { o.Transport = portal })
				if _, err := c.GetToken(t.Context(), ask(scope)); err != nil || time.Since(start) > 5*time.Second {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
				start = time.Now()
				exchange := credential.Exchange(&credential.ExchangeOptions{ClientOptions: azcore.ClientOptions{Transport: portal}})
				assertion := w.project(t, credentialtest.ServiceAccountToken{})
				if _, err := exchange(t.Context(), tenant, w.client, assertion); err == nil {
					t.Error("the portal's answer passed for a token")
				}
				time.Sleep(5 * time.Second)
				if _, err := exchange(t.Context(), tenant, w.client, assertion); err != nil {
					t.Errorf("after the portal: %v", err)
				}
			})
		})
	}
}
