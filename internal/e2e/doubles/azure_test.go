package doubles_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/pki"
	"github.com/wimigrate/wimigrate/internal/e2e/serve"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// Who asks before there is trust waits longer than who asks after: Entra keeps the refusal, although what was written to ARM holds at once.
func TestATrustThatWasAskedForTooEarlyStaysRefusedForAWhile(t *testing.T) {
	const kept = time.Second
	authority, err := pki.NewAuthority("azure test")
	if err != nil {
		t.Fatal(err)
	}
	a, err := azure.Start(authority, azure.Options{Propagation: -1, NegativeCache: kept})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	issuer := startIssuer(t, authority)
	token, err := issuer.Mint(credentialtest.ServiceAccountToken{Namespace: "web", Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	store, err := a.Store()
	if err != nil {
		t.Fatal(err)
	}
	early, patient := a.Ensure("rg", "early", "eastus"), a.Ensure("rg", "patient", "eastus")
	exchange := a.Exchange()
	asked := time.Now()
	_, err = exchange(t.Context(), azure.TenantID, early.ClientID, token)
	refusedWith(t, err, 70025)
	trust := federation.Credential{Name: "web", Issuer: issuer.URL(), Subject: workloadid.Subject("web", "web"), Audience: workloadid.Audience}
	for _, id := range []string{"early", "patient"} {
		if err := store.Put(t.Context(), a.Ensure("rg", id, "eastus"), trust); err != nil {
			t.Fatal(err)
		}
	}
	if claims, err := exchange(t.Context(), azure.TenantID, patient.ClientID, token); err != nil || claims.ClientID != patient.ClientID {
		t.Errorf("who had not asked before got %+v and %v, want a token", claims, err)
	}
	refusals := 0
	for ; ; refusals++ {
		_, err := exchange(t.Context(), azure.TenantID, early.ClientID, token)
		if err == nil {
			break
		}
		refusedWith(t, err, 70025)
	}
	if took := time.Since(asked); took < kept || refusals == 0 {
		t.Errorf("after %d refusals and %s there was a token, want one after %s", refusals, took, kept)
	}
}

// startIssuer serves a cluster's issuer, whose URL is known once it is served.
func startIssuer(t *testing.T, authority *pki.Authority) (issuer *credentialtest.Issuer) {
	t.Helper()
	server, err := serve.TLS(authority, "issuer", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { issuer.ServeHTTP(w, r) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	if issuer, err = credentialtest.NewIssuer(server.URL+"/", nil); err != nil {
		t.Fatal(err)
	}
	return issuer
}

func refusedWith(t *testing.T, err error, code int) {
	t.Helper()
	var refused *credential.TokenError
	if !errors.As(err, &refused) || !slices.Equal(refused.Codes, []int{code}) {
		t.Fatalf("got %v, want AADSTS%d", err, code)
	}
}
