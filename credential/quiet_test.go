package credential_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// What azcore keeps in a context is meant for the caller's own request: others share
// the token request, and a header meant for storage is none of IMDS's business.
func TestAzcoresValuesInTheCallersContextStayThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		w.imds.Attach(w.identity())
		timeline := credentialtest.NewTimeline(w.imds, credentialtest.Phase{
			Behaviour: credentialtest.Answering("404", credentialtest.Canned{Status: 404}), For: 5 * time.Second})
		var headers []http.Header
		cred := w.pod(t, transport(func(r *http.Request) (*http.Response, error) {
			headers = append(headers, r.Header.Clone())
			return timeline.Do(r)
		}), nil)
		var captured *http.Response
		ctx := policy.WithRetryOptions(t.Context(), policy.RetryOptions{MaxRetries: 10, RetryDelay: 30 * time.Second, TryTimeout: time.Hour})
		ctx = policy.WithHTTPHeader(ctx, http.Header{"X-Secret": {"s3cret"}, "Metadata": {"nope"}})
		ctx = policy.WithCaptureResponse(ctx, &captured)
		start := time.Now()
		if _, err := cred.GetToken(ctx, ask(scope)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 7*time.Second {
			t.Errorf("took %s: the caller's retry options reached the token request", took)
		}
		if captured != nil {
			t.Error("the token's response was captured")
		}
		for _, h := range headers {
			if h.Get("X-Secret") != "" || h.Get("Metadata") != "true" {
				t.Errorf("header %v", h)
			}
		}
	})
}

func TestAClockThatIsAheadDoesNotMakeEveryCallARequest(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	token, err := w.entra.Issue(w.identity(), "https://storage.azure.com")
	if err != nil {
		t.Fatal(err)
	}
	requests := 0
	past := time.Now().Add(-time.Hour).Unix() // what a clock two hours ahead makes of an hour to come
	cred := w.pod(t, transport(func(r *http.Request) (*http.Response, error) {
		requests++
		return says(200, imds, fmt.Sprintf(`{"access_token":%q,"expires_in":"3600","expires_on":"%d"}`, token.Value, past))(r)
	}), nil)
	for range 100 {
		if _, err := cred.GetToken(t.Context(), ask(scope)); err != nil {
			t.Fatal(err)
		}
	}
	if requests != 1 {
		t.Errorf("%d requests", requests)
	}
}

func TestAProgramThatAsksInALoopDoesNotBurdenTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		requests := 0
		cred := w.pod(t, transport(func(r *http.Request) (*http.Response, error) {
			requests++
			return says(400, "", "Required metadata header not specified")(r)
		}), nil)
		for range 1000 {
			if _, err := cred.GetToken(t.Context(), ask(scope)); err == nil {
				t.Fatal("no error")
			}
			time.Sleep(10 * time.Millisecond)
		}
		if requests > 11 {
			t.Errorf("%d requests in 10 seconds", requests)
		}
	})
}
