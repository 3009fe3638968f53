package credential_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// minted is an inner credential whose tokens are numbered and live for life. It can
// be made to fail, and to take its time.
type minted struct {
	life  time.Duration
	takes time.Duration
	fail  error
	calls int
	asked []policy.TokenRequestOptions
}

func (m *minted) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	m.calls++
	m.asked = append(m.asked, o)
	select {
	case <-time.After(m.takes):
	case <-ctx.Done():
		return azcore.AccessToken{}, ctx.Err()
	}
	if m.fail != nil {
		return azcore.AccessToken{}, m.fail
	}
	return azcore.AccessToken{Token: fmt.Sprintf("token-%d", m.calls), ExpiresOn: time.Now().Add(m.life)}, nil
}

func wrap(t *testing.T, inner azcore.TokenCredential) *credential.Credential {
	t.Helper()
	cred, err := credential.Wrap(inner, &credential.WrapOptions{Rand: func() float64 { return 0.5 }})
	if err != nil {
		t.Fatal(err)
	}
	return cred
}

// get returns a token and fails if there is none.
func get(t *testing.T, cred *credential.Credential) string {
	t.Helper()
	token, err := cred.GetToken(t.Context(), ask(scope))
	if err != nil {
		t.Fatal(err)
	}
	if !time.Now().Before(token.ExpiresOn) {
		t.Error("a token that has expired was handed out")
	}
	if !token.RefreshOn.Before(token.ExpiresOn) || token.RefreshOn.IsZero() {
		t.Errorf("RefreshOn %s does not tell clients to come back before %s", token.RefreshOn, token.ExpiresOn)
	}
	return token.Token
}

func TestTokensRotateUnderLoadWithoutAGap(t *testing.T) {
	for _, life := range []time.Duration{10 * time.Minute, time.Hour, 24 * time.Hour} {
		t.Run(life.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner := &minted{life: life, takes: 300 * time.Millisecond}
				cred := wrap(t, inner)
				get(t, cred)
				end := time.Now().Add(5 * life)
				for time.Now().Before(end) {
					time.Sleep(life / 1000)
					before := time.Now()
					get(t, cred)
					if waited := time.Since(before); waited != 0 {
						t.Fatalf("a reader waited %s for a refresh", waited)
					}
				}
				synctest.Wait()
				if inner.calls < 5 || inner.calls > 12 {
					t.Errorf("%d requests in five lives of a token", inner.calls)
				}
			})
		})
	}
}

func TestAValidTokenOutlivesFailingRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &minted{life: time.Hour}
		cred := wrap(t, inner)
		first, began := get(t, cred), time.Now()
		inner.fail = errors.New("down")
		for time.Since(began) < 59*time.Minute+50*time.Second {
			if got := get(t, cred); got != first {
				t.Fatalf("got %s", got)
			}
			time.Sleep(10 * time.Second)
		}
		if inner.calls < 10 || inner.calls > 100 {
			t.Errorf("%d requests while refreshing fails", inner.calls)
		}
		inner.fail = nil
		time.Sleep(time.Minute)
		if got := get(t, cred); got == first {
			t.Error("the token was not replaced after recovery")
		}
	})
}

func TestAnExpiredTokenIsNeverHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &minted{life: time.Hour}
		cred := wrap(t, inner)
		get(t, cred)
		inner.fail = errors.New("down")
		time.Sleep(time.Hour)
		if _, err := cred.GetToken(t.Context(), ask(scope)); !errors.Is(err, inner.fail) {
			t.Errorf("got %v, want the inner error", err)
		}
	})
}

func TestCallersNearTheEndWaitAMomentForASuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &minted{life: time.Hour}
		cred := wrap(t, inner)
		get(t, cred)
		time.Sleep(59*time.Minute + 30*time.Second)
		inner.takes = 500 * time.Millisecond
		if got := get(t, cred); got != "token-2" {
			t.Errorf("got %s, want the successor", got)
		}
		time.Sleep(59*time.Minute + 30*time.Second)
		inner.takes = 20 * time.Second
		before := time.Now()
		if got := get(t, cred); got != "token-2" || time.Since(before) > time.Second {
			t.Errorf("got %s after %s, want the old token after a second", got, time.Since(before))
		}
		time.Sleep(time.Minute)
	})
}

func TestClaimsAlwaysGoToTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &minted{life: time.Hour}
		cred := wrap(t, inner)
		get(t, cred)
		challenge := policy.TokenRequestOptions{Scopes: []string{scope}, Claims: `{"access_token":{"nbf":{"essential":true}}}`}
		for want := 2; want <= 3; want++ {
			token, err := cred.GetToken(t.Context(), challenge)
			if err != nil || token.Token != fmt.Sprintf("token-%d", want) {
				t.Fatalf("%s, %v", token.Token, err)
			}
			if inner.asked[want-1].Claims != challenge.Claims {
				t.Error("the claims did not reach the source")
			}
		}
		if got := get(t, cred); got != "token-3" {
			t.Errorf("got %s: the token that satisfied the challenge is the one to use", got)
		}
	})
}

func TestATokenAskedForBeforeAChallengeDoesNotDisplaceItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cred := wrap(t, tokenFunc(func(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
			if o.Claims != "" {
				time.Sleep(100 * time.Millisecond)
				return azcore.AccessToken{Token: "answers the challenge", ExpiresOn: time.Now().Add(time.Hour)}, nil
			}
			time.Sleep(time.Second)
			return azcore.AccessToken{Token: "may be revoked", ExpiresOn: time.Now().Add(time.Hour)}, nil
		}))
		go func() { get(t, cred) }()
		synctest.Wait()
		if _, err := cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}, Claims: "{}"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if got := get(t, cred); got != "answers the challenge" {
			t.Errorf("got the token that %s", got)
		}
	})
}

func TestAFailedChallengeSaysNothingAboutOtherRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("challenge not met")
		cred := wrap(t, tokenFunc(func(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
			if o.Claims != "" {
				return azcore.AccessToken{}, refused
			}
			return azcore.AccessToken{Token: "t", ExpiresOn: time.Now().Add(time.Hour)}, nil
		}))
		if _, err := cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}, Claims: "{}"}); !errors.Is(err, refused) {
			t.Fatal(err)
		}
		get(t, cred)
	})
}

func TestTokensAreKeptApartByScopesTenantAndCAE(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &minted{life: time.Hour}
		cred := wrap(t, inner)
		kinds := []policy.TokenRequestOptions{
			{Scopes: []string{"a"}}, {Scopes: []string{"b"}}, {Scopes: []string{"a", "b"}}, {Scopes: []string{"b", "a"}},
			{Scopes: []string{"a"}, TenantID: "other"}, {Scopes: []string{"a"}, EnableCAE: true}, {Scopes: []string{"a", "b"}, EnableCAE: true},
		}
		for i := range 10 { // more kinds than are kept in a list
			kinds = append(kinds, policy.TokenRequestOptions{Scopes: []string{fmt.Sprint("c", i)}})
		}
		tokens := map[string]bool{}
		for range 2 {
			for _, o := range kinds {
				token, err := cred.GetToken(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				tokens[token.Token] = true
			}
		}
		if len(tokens) != len(kinds) || inner.calls != len(kinds) {
			t.Errorf("%d tokens in %d requests for %d kinds", len(tokens), inner.calls, len(kinds))
		}
	})
}

func TestASourceThatRepeatsItsTokenIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		expires := time.Now().Add(time.Hour) // IMDS caches: a refresh may bring the same token
		calls := 0
		cred := wrap(t, tokenFunc(func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
			calls++
			return azcore.AccessToken{Token: "same", ExpiresOn: expires}, nil
		}))
		for time.Until(expires) > time.Second {
			get(t, cred)
			time.Sleep(time.Second)
		}
		if calls > 30 {
			t.Errorf("%d requests", calls)
		}
	})
}

func TestTokensThatArriveExpiredAreNotCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		cred := wrap(t, tokenFunc(func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
			calls++
			return azcore.AccessToken{Token: "old", ExpiresOn: time.Now().Add(-time.Hour)}, nil
		}))
		for range 3 {
			if token, err := cred.GetToken(t.Context(), ask(scope)); err != nil || token.Token != "old" {
				t.Fatal(token.Token, err)
			}
		}
		if calls != 3 {
			t.Errorf("%d requests, want one for each call", calls)
		}
	})
}

func TestOneTokenServesAllTenantsAndCAEOnTheMetadataPath(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	w.imds.Attach(w.identity())
	endpoint := &slow{Transporter: credentialtest.InMemory(w.imds)}
	cred := w.pod(t, endpoint, nil)
	for _, o := range []policy.TokenRequestOptions{
		{Scopes: []string{scope}}, {Scopes: []string{scope}, EnableCAE: true}, {Scopes: []string{scope}, TenantID: tenant}} {
		if _, err := cred.GetToken(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if n := endpoint.posts.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestNothingIsLeftOpenAfterATokenWasHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		w.imds.Attach(w.identity())
		healthy := credentialtest.InMemory(w.imds)
		var open, n atomic.Int64
		cred := w.pod(t, transport(func(r *http.Request) (*http.Response, error) {
			if n.Add(1) > 3 {
				return healthy.Do(r)
			}
			open.Add(1)
			defer open.Add(-1)
			return hangs(r)
		}), nil)
		if _, err := cred.GetToken(t.Context(), ask(scope)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the bubble would also not end with a goroutine in it
		if open.Load() != 0 {
			t.Errorf("%d requests are still open", open.Load())
		}
	})
}
