package credential_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/wimigrate/wimigrate/credential"
)

type do func(*http.Request) (*http.Response, error)

func (f do) Do(r *http.Request) (*http.Response, error) { return f(r) }

func TestSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		n := 0
		c, err := credential.New(&credential.Options{
			ClientID:  "aaaaaaaa-0000-4000-8000-000000000001",
			LookupEnv: func(string) (string, bool) { return "", false },
			IMDSTransport: do(func(r *http.Request) (*http.Response, error) {
				n++
				if time.Since(start) < 60*time.Second {
					return &http.Response{StatusCode: 404, Body: io.NopCloser(strings.NewReader("nope")), Header: http.Header{}, Request: r}, nil
				}
				return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(`{"access_token":"e30.eyJhcHBpZCI6ImFhYWFhYWFhLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMSJ9.x","expires_in":"3600"}`))}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		tok, err := c.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://x/.default"}})
		t.Log(tok.ExpiresOn, err, time.Since(start), n)
		if err != nil {
			t.Fatal(err)
		}
	})
}
