package armfic_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/armfic"
	"github.com/wimigrate/wimigrate/federation/internal/wiretest"
)

const resourceID = "/subscriptions/5a1e0000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-payments"

var identity = catalog.Identity{Kind: catalog.UserAssigned, Name: "payments", ResourceID: resourceID}

func newStore(t *testing.T, w *wiretest.Wire, change ...func(*arm.ClientOptions)) *armfic.Store {
	t.Helper()
	opts := &arm.ClientOptions{ClientOptions: policy.ClientOptions{Transport: w}}
	for _, c := range change {
		c(opts)
	}
	store, err := armfic.NewStore(&azfake.TokenCredential{}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestARefusalCarriesWhatARMSaid(t *testing.T) {
	tests := map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		want   federation.StoreError
		is     error
	}{
		"a concurrent write": {
			wiretest.Says(409, `{"error":{"code":"ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity","message":"Too many."}}`, "Retry-After", "7"),
			federation.StoreError{Status: 409, Code: federation.CodeConcurrentWrites, Message: "Too many.", RetryAfter: 7 * time.Second}, federation.ErrConflict,
		},
		"the 21st credential": {
			wiretest.Says(400, `{"error":{"code":"BadRequest","message":"Too many Federated Identity Credentials"}}`),
			federation.StoreError{Status: 400, Code: "BadRequest", Message: "Too many Federated Identity Credentials"}, federation.ErrLimit,
		},
		"the pair under another name, in a body without the wrapper": {
			wiretest.Says(400, `{"code":"BadRequest","message":"Issuer and subject combination already exists for this Managed Identity."}`),
			federation.StoreError{Status: 400, Code: "BadRequest", Message: "Issuer and subject combination already exists for this Managed Identity."}, federation.ErrDuplicate,
		},
		"an identity that is not there yet": {
			wiretest.Says(404, `{"error":{"code":"ParentResourceNotFound","message":"Gone."}}`),
			federation.StoreError{Status: 404, Code: federation.CodeParentNotFound, Message: "Gone."}, federation.ErrParentNotFound,
		},
		"a region without support": {
			wiretest.Says(405, `{"error":{"code":"MethodNotAllowed","message":"Support for federated identity credentials not enabled"}}`),
			federation.StoreError{Status: 405, Code: "MethodNotAllowed", Message: "Support for federated identity credentials not enabled"}, federation.ErrUnsupportedRegion,
		},
		"a throttle that counts in milliseconds": {
			wiretest.Says(429, `{}`, "Retry-After-Ms", "250", "Retry-After", "9"),
			federation.StoreError{Status: 429, RetryAfter: 250 * time.Millisecond}, federation.ErrThrottled,
		},
		"a body that is not JSON": {
			wiretest.Says(502, `<html>`), federation.StoreError{Status: 502}, federation.ErrUnavailable,
		},
		"a code in the header alone": {
			wiretest.Says(403, ``, "x-ms-error-code", "AuthorizationFailed"), federation.StoreError{Status: 403, Code: "AuthorizationFailed"}, federation.ErrForbidden,
		},
		"no answer": {
			func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, federation.StoreError{}, federation.ErrUnavailable,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := &wiretest.Wire{Answer: tt.answer}
			err := newStore(t, w).Put(t.Context(), identity, federation.Credential{Name: "aks-east", Issuer: "i", Subject: "s", Audience: "a"})
			got, ok := errors.AsType[*federation.StoreError](err)
			if !ok || !errors.Is(err, tt.is) || got.Err == nil {
				t.Fatalf("error %v is no StoreError that is %v", err, tt.is)
			}
			tt.want.Op, tt.want.Identity, tt.want.Credential = federation.OpPut, resourceID, "aks-east"
			if diff := cmp.Diff(&tt.want, got, cmpopts.IgnoreFields(federation.StoreError{}, "Err")); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if len(w.Seen) != 1 {
				t.Errorf("%d requests: the store must leave trying again to Apply", len(w.Seen))
			}
		})
	}
}

func TestRetryAfterAsADate(t *testing.T) {
	w := &wiretest.Wire{Answer: wiretest.Says(503, ``, "Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))}
	_, err := newStore(t, w).List(t.Context(), identity)
	got, ok := errors.AsType[*federation.StoreError](err)
	if !ok || got.RetryAfter < time.Minute || got.RetryAfter > time.Hour || got.Op != federation.OpList {
		t.Errorf("error %v, RetryAfter %v", err, got.RetryAfter)
	}
}

func TestListFollowsPagesAndKeepsFlexibleCredentials(t *testing.T) {
	page := map[string]string{
		"":  `{"value":[{"name":"a","properties":{"issuer":"I","subject":"S","audiences":["A"]}}],"nextLink":"https://management.azure.com/next?$skiptoken=2"}`,
		"2": `{"value":[{"name":"flexible","properties":{"issuer":"I","subject":null,"audiences":["A"]}},{"name":"bare"}]}`,
	}
	w := &wiretest.Wire{Answer: func(r *http.Request) (*http.Response, error) {
		return wiretest.Says(200, page[r.URL.Query().Get("$skiptoken")])(r)
	}}
	got, err := newStore(t, w).List(t.Context(), identity)
	if err != nil {
		t.Fatal(err)
	}
	want := []federation.Credential{{Name: "a", Issuer: "I", Subject: "S", Audience: "A"}, {Name: "flexible", Issuer: "I", Audience: "A"}, {Name: "bare"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("credentials (-want +got):\n%s", diff)
	}
}

func TestAListingWithoutEndIsAnError(t *testing.T) {
	w := &wiretest.Wire{Answer: wiretest.Says(200, `{"value":[],"nextLink":"https://management.azure.com/next"}`)}
	if _, err := newStore(t, w).List(t.Context(), identity); err == nil || !strings.Contains(err.Error(), "goes on after") {
		t.Errorf("error %v", err)
	}
}

func TestPutSendsTheTripleAsARMWantsIt(t *testing.T) {
	var sent map[string]any
	w := &wiretest.Wire{Answer: func(r *http.Request) (*http.Response, error) {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			return nil, err
		}
		return wiretest.Says(201, `{}`)(r)
	}}
	if err := newStore(t, w).Put(t.Context(), identity, federation.Credential{Name: "n", Issuer: "https://i/", Subject: "system:serviceaccount:a:b", Audience: "x"}); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"properties": map[string]any{"issuer": "https://i/", "subject": "system:serviceaccount:a:b", "audiences": []any{"x"}}}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestResourceIDsInAnyLetterCaseAndNothingElse(t *testing.T) {
	tests := map[string]struct {
		id   catalog.Identity
		want string // part of the error; empty for none
	}{
		"lower case":             {catalog.Identity{ResourceID: strings.ToLower(resourceID)}, ""},
		"upper case":             {catalog.Identity{ResourceID: strings.ToUpper(resourceID)}, ""},
		"an app registration":    {catalog.Identity{Kind: catalog.Application, ClientID: "c"}, "graphfic"},
		"a client ID alone":      {catalog.Identity{ClientID: "c"}, "resource ID of the identity is not known"},
		"text":                   {catalog.Identity{ResourceID: "payments"}, "must start with"},
		"a cluster":              {catalog.Identity{ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"}, "not the resource ID"},
		"a credential":           {catalog.Identity{ResourceID: resourceID + "/federatedIdentityCredentials/x"}, "not the resource ID"},
		"an identity of a thing": {catalog.Identity{ResourceID: "/subscriptions/s/resourceGroups/g/providers/A.B/c/d/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"}, "not the resource ID"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := &wiretest.Wire{Answer: wiretest.Says(200, `{"value":[]}`)}
			_, err := newStore(t, w).List(t.Context(), tt.id)
			switch {
			case tt.want == "" && (err != nil || len(w.Seen) != 1):
				t.Errorf("error %v after %v", err, w.Seen)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || len(w.Seen) != 0):
				t.Errorf("error %v after %v, want %q before any request", err, w.Seen, tt.want)
			}
		})
	}
}

func TestNamesThatWouldReachTheIdentityItselfAreRefused(t *testing.T) {
	w := &wiretest.Wire{Answer: wiretest.Says(200, `{}`)}
	store := newStore(t, w)
	for _, name := range []string{"", ".", ".."} {
		if err := errors.Join(store.Delete(t.Context(), identity, name)); err == nil {
			t.Errorf("deleted %q", name)
		}
		if err := store.Put(t.Context(), identity, federation.Credential{Name: name}); err == nil {
			t.Errorf("put %q", name)
		}
	}
	if len(w.Seen) != 0 {
		t.Errorf("requests %v", w.Seen)
	}
}

func TestDeleteOfWhatIsAbsentIsSuccess(t *testing.T) {
	for _, body := range []string{`{"error":{"code":"ResourceNotFound","message":"x"}}`, `{"error":{"code":"ParentResourceNotFound","message":"x"}}`} {
		if err := newStore(t, &wiretest.Wire{Answer: wiretest.Says(404, body)}).Delete(t.Context(), identity, "n"); err != nil {
			t.Errorf("%s: error %v", body, err)
		}
	}
}

func TestSubscriptionsAndCloudsAreThoseOfTheIdentity(t *testing.T) {
	w := &wiretest.Wire{Answer: wiretest.Says(200, `{"value":[]}`)}
	store := newStore(t, w, func(o *arm.ClientOptions) {
		o.Cloud = cloud.AzureChina
		o.Retry = policy.RetryOptions{MaxRetries: 2, RetryDelay: time.Nanosecond, StatusCodes: []int{409, 503}}
	})
	other := catalog.Identity{ResourceID: strings.Replace(resourceID, "0001", "0002", 1)}
	var wg sync.WaitGroup
	for _, id := range []catalog.Identity{identity, other, identity} {
		wg.Go(func() {
			if _, err := store.List(t.Context(), id); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, seen := range w.Seen {
		if !strings.HasPrefix(seen, "GET https://management.chinacloudapi.cn/subscriptions/5a1e0000-0000-4000-8000-00000000000") {
			t.Errorf("request %s", seen)
		}
	}
	w.Seen, w.Answer = nil, wiretest.Says(409, `{}`)
	if err := store.Put(t.Context(), identity, federation.Credential{Name: "n"}); !errors.Is(err, federation.ErrConflict) || len(w.Seen) != 1 {
		t.Errorf("error %v after %d requests: 409 must not be retried", err, len(w.Seen))
	}
	w.Seen, w.Answer = nil, wiretest.Says(503, `{}`)
	if err := store.Put(t.Context(), identity, federation.Credential{Name: "n"}); !errors.Is(err, federation.ErrUnavailable) || len(w.Seen) != 3 {
		t.Errorf("error %v after %d requests: two retries were asked for", err, len(w.Seen))
	}
}

// broken is a credential that yields no token.
type broken struct{ err error }

func (b broken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, b.err
}

func TestACallerWithoutATokenIsNotAServiceThatIsDown(t *testing.T) {
	store, err := armfic.NewStore(broken{errors.New("no login")}, &arm.ClientOptions{ClientOptions: policy.ClientOptions{Transport: &wiretest.Wire{Answer: wiretest.Says(200, `{}`)}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = store.List(t.Context(), identity); err == nil || errors.Is(err, federation.ErrUnavailable) || !strings.Contains(err.Error(), "no login") {
		t.Errorf("error %v", err)
	}
	if _, err := armfic.NewStore(nil, nil); err == nil {
		t.Error("a store without a credential")
	}
}

func TestAnEndedContextIsItself(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := &wiretest.Wire{Answer: func(r *http.Request) (*http.Response, error) {
		cancel()
		return nil, r.Context().Err()
	}}
	if err := newStore(t, w).Delete(ctx, identity, "n"); !errors.Is(err, context.Canceled) || errors.Is(err, federation.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}
