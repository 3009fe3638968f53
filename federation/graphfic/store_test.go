package graphfic_test

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
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/graphfic"
	"github.com/wimigrate/wimigrate/federation/internal/wiretest"
)

const appID = "c1a55000-0000-4000-8000-000000000001"

var identity = catalog.Identity{Kind: catalog.Application, Name: "reports", ClientID: appID}

// asked is a credential that records the scopes it was asked for.
type asked struct {
	mu     sync.Mutex
	scopes []string
}

func (a *asked) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scopes = append(a.scopes, o.Scopes...)
	return azcore.AccessToken{Token: "t", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func newStore(t *testing.T, w *wiretest.Wire, change ...func(*azcore.ClientOptions)) (*graphfic.Store, *asked) {
	t.Helper()
	opts := &azcore.ClientOptions{Transport: w}
	for _, c := range change {
		c(opts)
	}
	cred := &asked{}
	store, err := graphfic.NewStore(cred, opts)
	if err != nil {
		t.Fatal(err)
	}
	return store, cred
}

func TestListFollowsNextLinks(t *testing.T) {
	w := &wiretest.Wire{Answer: func(r *http.Request) (*http.Response, error) {
		if r.URL.Query().Get("$skiptoken") == "" {
			return wiretest.Says(200, `{"value":[{"id":"1","name":"a","issuer":"I","subject":"S","audiences":["A"]}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/next?$skiptoken=2"}`)(r)
		}
		return wiretest.Says(200, `{"value":[{"id":"2","name":"flexible","issuer":"I","subject":null,"audiences":["A"],"claimsMatchingExpression":{"value":"x"}}]}`)(r)
	}}
	store, cred := newStore(t, w)
	got, err := store.List(t.Context(), identity)
	if err != nil {
		t.Fatal(err)
	}
	want := []federation.Credential{{Name: "a", Issuer: "I", Subject: "S", Audience: "A"}, {Name: "flexible", Issuer: "I", Audience: "A"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("credentials (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"https://graph.microsoft.com/.default"}, cred.scopes); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
}

func TestTheTokenGoesNowhereButToGraph(t *testing.T) {
	for _, link := range []string{"https://evil.example/next", "http://graph.microsoft.com/next", "/v1.0/next", "https://graph.microsoft.com@evil.example/", "%zz"} {
		w := &wiretest.Wire{Answer: wiretest.Says(200, `{"value":[],"@odata.nextLink":"`+link+`"}`)}
		store, _ := newStore(t, w)
		if _, err := store.List(t.Context(), identity); err == nil || !strings.Contains(err.Error(), "next link") || len(w.Seen) != 1 {
			t.Errorf("link %s: error %v after %v", link, err, w.Seen)
		}
	}
}

func TestAListingWithoutEndIsAnError(t *testing.T) {
	w := &wiretest.Wire{Answer: wiretest.Says(200, `{"value":[],"@odata.nextLink":"https://graph.microsoft.com/v1.0/next"}`)}
	store, _ := newStore(t, w)
	if _, err := store.List(t.Context(), identity); err == nil || !strings.Contains(err.Error(), "goes on after") {
		t.Errorf("error %v", err)
	}
}

func TestPutIsOneUpsertThatLeavesTheDescription(t *testing.T) {
	var sent map[string]any
	var prefer string
	w := &wiretest.Wire{Answer: func(r *http.Request) (*http.Response, error) {
		prefer = r.Header.Get("Prefer")
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			return nil, err
		}
		return wiretest.Says(204, ``)(r)
	}}
	store, _ := newStore(t, w)
	if err := store.Put(t.Context(), identity, federation.Credential{Name: "aks-east", Issuer: "https://i/", Subject: "system:serviceaccount:a:b", Audience: "x"}); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"issuer": "https://i/", "subject": "system:serviceaccount:a:b", "audiences": []any{"x"}}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if prefer != "create-if-missing" || len(w.Seen) != 1 || !strings.HasSuffix(w.Seen[0], "/federatedIdentityCredentials(name='aks-east')") {
		t.Errorf("requests %v, Prefer %q", w.Seen, prefer)
	}
}

func TestHostileNamesStayWithinTheirPathSegment(t *testing.T) {
	w := &wiretest.Wire{Answer: wiretest.Says(204, ``)}
	store, _ := newStore(t, w)
	name := "a')/../x?y#z'%2f"
	if err := errors.Join(store.Put(t.Context(), identity, federation.Credential{Name: name}), store.Delete(t.Context(), identity, name)); err != nil {
		t.Fatal(err)
	}
	for _, seen := range w.Seen {
		if strings.ContainsAny(seen[len("DELETE https://"):], "?#") || strings.Count(seen, "/") > 7 {
			t.Errorf("request %s left its segment", seen)
		}
	}
	for _, name := range []string{"", ".", ".."} {
		if store.Put(t.Context(), identity, federation.Credential{Name: name}) == nil || store.Delete(t.Context(), identity, name) == nil {
			t.Errorf("name %q was sent", name)
		}
	}
}

func TestARefusalCarriesWhatGraphSaid(t *testing.T) {
	tests := map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		is     error
		code   string
		after  time.Duration
	}{
		"the name is taken":       {wiretest.Says(409, `{"error":{"code":"Request_MultipleObjectsWithSameKeyValue","message":"m","innerError":{"date":"x"}}}`), federation.ErrNameTaken, federation.CodeGraphSameKey, 0},
		"a throttle":              {wiretest.Says(429, `{"error":{"code":"TooManyRequests","message":"m"}}`, "Retry-After", "3"), federation.ErrThrottled, "TooManyRequests", 3 * time.Second},
		"no permission":           {wiretest.Says(403, `{"error":{"code":"Authorization_RequestDenied","message":"m"}}`), federation.ErrForbidden, "Authorization_RequestDenied", 0},
		"no application":          {wiretest.Says(404, `{"error":{"code":"Request_ResourceNotFound","message":"m"}}`), federation.ErrParentNotFound, "Request_ResourceNotFound", 0},
		"a connection that broke": {func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, federation.ErrUnavailable, "", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := &wiretest.Wire{Answer: tt.answer}
			store, _ := newStore(t, w)
			err := store.Put(t.Context(), identity, federation.Credential{Name: "n"})
			got, ok := errors.AsType[*federation.StoreError](err)
			if !ok || !errors.Is(err, tt.is) || got.Code != tt.code || got.RetryAfter != tt.after || got.Identity != appID || got.Credential != "n" || len(w.Seen) != 1 {
				t.Errorf("error %v (%+v) after %d requests", err, got, len(w.Seen))
			}
		})
	}
}

func TestDeleteOfAnAbsentCredentialIsSuccess(t *testing.T) {
	store, _ := newStore(t, &wiretest.Wire{Answer: wiretest.Says(404, `{"error":{"code":"Request_ResourceNotFound"}}`)})
	if err := store.Delete(t.Context(), identity, "n"); err != nil {
		t.Errorf("error %v", err)
	}
}

func TestEveryCloudHasItsGraph(t *testing.T) {
	own := cloud.Configuration{Services: map[cloud.ServiceName]cloud.ServiceConfiguration{graphfic.ServiceName: {Endpoint: "https://dod-graph.microsoft.us/"}}}
	for name, tt := range map[string]struct {
		cloud cloud.Configuration
		host  string
	}{
		"public by default": {cloud.Configuration{}, "https://graph.microsoft.com"},
		"public":            {cloud.AzurePublic, "https://graph.microsoft.com"},
		"US Government":     {cloud.AzureGovernment, "https://graph.microsoft.us"},
		"China":             {cloud.AzureChina, "https://microsoftgraph.chinacloudapi.cn"},
		"one's own":         {own, "https://dod-graph.microsoft.us"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &wiretest.Wire{Answer: wiretest.Says(200, `{"value":[]}`)}
			store, cred := newStore(t, w, func(o *azcore.ClientOptions) { o.Cloud = tt.cloud })
			if _, err := store.List(t.Context(), identity); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(w.Seen[0], "GET "+tt.host+"/v1.0/") || cred.scopes[0] != tt.host+"/.default" {
				t.Errorf("request %v with scopes %v", w.Seen, cred.scopes)
			}
		})
	}
	for _, c := range []cloud.Configuration{
		{ActiveDirectoryAuthorityHost: "https://login.unknown.example/"},
		{Services: map[cloud.ServiceName]cloud.ServiceConfiguration{graphfic.ServiceName: {Endpoint: "http://graph.microsoft.com"}}},
	} {
		if _, err := graphfic.NewStore(&asked{}, &azcore.ClientOptions{Cloud: c}); err == nil {
			t.Errorf("a store for cloud %+v", c)
		}
	}
}

func TestWhatIsNotAnApplicationIsRefused(t *testing.T) {
	w := &wiretest.Wire{Answer: wiretest.Says(200, `{}`)}
	store, _ := newStore(t, w)
	for _, id := range []catalog.Identity{{Kind: catalog.UserAssigned, ResourceID: "/x"}, {Kind: catalog.Application}} {
		if _, err := store.List(t.Context(), id); err == nil || len(w.Seen) != 0 {
			t.Errorf("listed %+v: %v", id, w.Seen)
		}
	}
	if _, err := graphfic.NewStore(nil, nil); err == nil {
		t.Error("a store without a credential")
	}
}

func TestReadersAndWritersOverlap(t *testing.T) {
	store, _ := newStore(t, &wiretest.Wire{Answer: wiretest.Says(200, `{"value":[]}`)})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := store.List(t.Context(), identity)
			if err = errors.Join(err, store.Put(t.Context(), identity, federation.Credential{Name: "n"}), store.Delete(t.Context(), identity, "n")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
