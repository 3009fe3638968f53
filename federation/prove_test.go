package federation_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

// entra exchanges the way Entra does, by what a cloud trusts by now; sign makes tokens of the shape that Kubernetes makes.
type entra struct {
	cloud   *federationtest.Cloud
	failing func(n int) error // asked before each exchange
	answer  string            // client ID to answer with; empty is the right one
	n       int
}

func sign(triple federation.Triple) string {
	body, _ := json.Marshal(map[string]any{"iss": triple.Issuer, "sub": triple.Subject, "aud": []string{triple.Audience}})
	return "e30." + base64.RawURLEncoding.EncodeToString(body) + ".signature"
}

func mint(_ context.Context, t federation.ProofTarget) (string, error) { return sign(t.Triple), nil }

func (e *entra) exchange(ctx context.Context, tenantID, clientID, assertion string) (federation.Claims, error) {
	e.n++
	if e.failing != nil {
		if err := e.failing(e.n); err != nil {
			return federation.Claims{}, err
		}
	}
	trusted, err := e.cloud.Trusts(ctx, tenantID, clientID)
	if err != nil {
		return federation.Claims{}, err
	}
	for _, t := range trusted {
		if sign(t) == assertion {
			if e.answer != "" {
				clientID = e.answer
			}
			return federation.Claims{ClientID: clientID, TenantID: tenantID}, nil
		}
	}
	return federation.Claims{}, fmt.Errorf("AADSTS700213: no matching federated identity record found for %s", assertion)
}

// proof applies the plan of one need and returns what to prove.
func proof(t *testing.T, propagation time.Duration) (*federationtest.Cloud, []federation.ProofTarget) {
	t.Helper()
	cloud := federationtest.NewCloud(&federationtest.CloudOptions{Propagation: propagation})
	cloud.Add(managed("id-cart"), "eastus")
	p := mustPlan(t, one(), cloud.State(), nil)
	report, err := federation.Apply(t.Context(), cloud.Store(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cloud, p.Targets(report)
}

func TestProveWaitsForPropagationAndWantsThreeInARow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cloud, targets := proof(t, time.Minute)
		e := &entra{cloud: cloud}
		start := time.Now()
		proofs, err := federation.Prove(t.Context(), targets, mint, e.exchange, nil)
		if err != nil || !proofs[0].Proven {
			t.Fatalf("%+v, %v", proofs, err)
		}
		attempts := proofs[0].Attempts
		if first := start.Add(attempts[0].At).Sub(targets[0].Written); first < 15*time.Second {
			t.Errorf("first exchange %v after the write, too early", first)
		}
		last := attempts[len(attempts)-3:]
		if last[0].Error != "" || last[2].At-last[0].At < 30*time.Second || attempts[0].Error == "" {
			t.Errorf("attempts: %+v", attempts)
		}
	})
}

func TestProveStartsCountingAgainAfterAFailure(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cloud, targets := proof(t, 0)
		e := &entra{cloud: cloud, failing: func(n int) error {
			if n == 3 {
				return errors.New("AADSTS700213 from a replica that lags")
			}
			return nil
		}}
		proofs, err := federation.Prove(t.Context(), targets, mint, e.exchange, nil)
		if err != nil || len(proofs[0].Attempts) != 6 {
			t.Errorf("%d attempts, want two, a failure, and three: %v", len(proofs[0].Attempts), err)
		}
	})
}

func TestProveFailsAndSaysWhy(t *testing.T) {
	for _, tc := range []struct {
		name     string
		meddle   func(*entra, *federation.ProofTarget)
		mint     federation.Minter
		want     error
		says     string
		attempts int // 0: any number
	}{
		{name: "Entra never honours the trust", meddle: func(e *entra, _ *federation.ProofTarget) {
			e.failing = func(int) error { return errors.New("AADSTS70021") }
		},
			want: federation.ErrNotProven, says: "AADSTS70021"},
		{name: "another identity comes back", meddle: func(e *entra, _ *federation.ProofTarget) { e.answer = "node-identity" },
			want: federation.ErrWrongIdentity, says: "node-identity", attempts: 1},
		{name: "the token's issuer lacks its slash", want: federation.ErrWrongToken, says: "differ by letter case, slash or space", attempts: 1,
			mint: func(_ context.Context, t federation.ProofTarget) (string, error) {
				t.Issuer = strings.TrimSuffix(t.Issuer, "/")
				return sign(t.Triple), nil
			}},
		{name: "the token is for identity bindings", want: federation.ErrWrongToken, says: "api://AKSIdentityBinding", attempts: 1,
			mint: func(_ context.Context, t federation.ProofTarget) (string, error) {
				t.Audience = "api://AKSIdentityBinding"
				return sign(t.Triple), nil
			}},
		{name: "the token is none", want: federation.ErrWrongToken, attempts: 1, mint: func(context.Context, federation.ProofTarget) (string, error) { return "opaque", nil }},
		{name: "no token can be minted", want: federation.ErrNotProven, says: "forbidden", mint: func(context.Context, federation.ProofTarget) (string, error) { return "", errors.New("forbidden") }},
		{name: "the client ID is not known", meddle: func(_ *entra, t *federation.ProofTarget) { t.Identity.ClientID = "" }, says: "client ID"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				cloud, targets := proof(t, 0)
				e := &entra{cloud: cloud}
				if tc.meddle != nil {
					tc.meddle(e, &targets[0])
				}
				if tc.mint == nil {
					tc.mint = mint
				}
				start := time.Now()
				proofs, err := federation.Prove(t.Context(), targets, tc.mint, e.exchange, nil)
				failed, ok := errors.AsType[*federation.ProofError](err)
				if !ok || tc.want != nil && !errors.Is(err, tc.want) || proofs[0].Proven {
					t.Fatalf("error %v, want %v", err, tc.want)
				}
				if !strings.Contains(failed.Error(), tc.says) {
					t.Errorf("%q does not say %q", failed, tc.says)
				}
				if tc.attempts != 0 && len(proofs[0].Attempts) != tc.attempts {
					t.Errorf("%d attempts", len(proofs[0].Attempts))
				}
				if time.Since(start) > 10*time.Minute+time.Second {
					t.Errorf("took %v, past the deadline", time.Since(start))
				}
				all, _ := json.Marshal(proofs)
				if text := string(all) + err.Error(); strings.Contains(text, ".signature") {
					t.Errorf("a token is in %s", text)
				}
			})
		})
	}
}

func TestProveTakesTheTenantFromItsOptionsWhereTheIdentityHasNone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cloud, targets := proof(t, 0)
		tenant := targets[0].Identity.TenantID
		targets[0].Identity.TenantID = ""
		if _, err := federation.Prove(t.Context(), targets, mint, (&entra{cloud: cloud}).exchange, nil); err == nil {
			t.Error("without any tenant there is nowhere to ask")
		}
		if _, err := federation.Prove(t.Context(), targets, mint, (&entra{cloud: cloud}).exchange, &federation.ProveOptions{TenantID: tenant}); err != nil {
			t.Error(err)
		}
	})
}

func TestProveOfOldTrustNeedsNoSettling(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cloud, targets := proof(t, 0)
		targets[0].Written = time.Time{}
		start := time.Now()
		if _, err := federation.Prove(t.Context(), targets, mint, (&entra{cloud: cloud}).exchange, nil); err != nil || time.Since(start) != 30*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestAccessTokenClaims(t *testing.T) {
	token := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".x"
	}
	got, err := federation.AccessTokenClaims(token(`{"azp":"c","tid":"t","xms_mirid":"/subscriptions/s"}`))
	if want := (federation.Claims{ClientID: "c", TenantID: "t", ResourceID: "/subscriptions/s"}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := federation.AccessTokenClaims("very.secret"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error: %v", err)
	}
}
