package credential_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

func TestAWrappedAzidentityCredentialSurvivesToo(t *testing.T) {
	for _, b := range credentialtest.Behaviours() {
		t.Run(b.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, credentialtest.EntraOptions{})
				w.imds.Attach(w.identity())
				timeline := credentialtest.NewTimeline(w.imds, credentialtest.Phase{Behaviour: b, For: 60 * time.Second})
				inner, err := makeBare(w.client, timeline)
				if err != nil {
					t.Fatal(err)
				}
				cred, err := credential.Wrap(inner, &credential.WrapOptions{ClientID: w.client, TryTimeout: 5 * time.Second})
				if err != nil {
					t.Fatal(err)
				}
				token, err := cred.GetToken(t.Context(), ask(scope))
				if err != nil || owner(t, token) != w.client {
					t.Errorf("did not survive: %v", err)
				}
			})
		})
	}
}

func TestAWrappedCredentialsOwnRetriesAreOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		w.federate(t)
		w.entra.SetRule(credentialtest.Always(credentialtest.Answer{Canned: credentialtest.Canned{Status: 503}}))
		inner, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: azcore.ClientOptions{Transport: w.hosts}, ClientID: w.client, TenantID: tenant, TokenFilePath: w.file})
		if err != nil {
			t.Fatal(err)
		}
		cred, err := credential.Wrap(inner, &credential.WrapOptions{StartupWindow: -1, SteadyWindow: -1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cred.GetToken(t.Context(), ask(scope)); err == nil || w.entra.Total() != 1 {
			t.Errorf("%d requests, %v", w.entra.Total(), err)
		}
	})
}

func TestAWrappedCredentialsIdentityIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		inner, err := makeBare(w.client, credentialtest.InMemory(w.answers(t, credentialtest.Identity{TenantID: tenant, ClientID: kubelet})))
		if err != nil {
			t.Fatal(err)
		}
		cred, err := credential.Wrap(inner, &credential.WrapOptions{ClientID: w.client})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cred.GetToken(t.Context(), ask(scope)); !errors.Is(err, credential.ErrWrongIdentity) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWrapNeedsACredential(t *testing.T) {
	if _, err := credential.Wrap(nil, nil); err == nil {
		t.Error("no error")
	}
}

func TestExchangeProvesAFederatedCredential(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	exchange := credential.Exchange(&credential.ExchangeOptions{ClientOptions: azcore.ClientOptions{Transport: w.hosts}})
	assertion := w.project(t, credentialtest.ServiceAccountToken{})

	_, err := exchange(t.Context(), tenant, w.client, assertion)
	var failed *credential.TokenError
	if !errors.Is(err, credential.ErrNotFederated) || !errors.As(err, &failed) || failed.Permanent || !strings.Contains(err.Error(), subject) {
		t.Errorf("before: %v", err)
	}
	if len(leaks(err.Error(), assertion)) > 0 {
		t.Error("the error holds the assertion")
	}
	w.federate(t)
	claims, err := exchange(t.Context(), tenant, w.client, assertion)
	if err != nil || claims.ClientID != w.client || claims.TenantID != tenant || claims.ResourceID != armID {
		t.Errorf("after: %+v, %v", claims, err)
	}
	if _, err := exchange(t.Context(), tenant, w.client, "not a token"); err == nil {
		t.Error("no error for an assertion that is none")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := exchange(ctx, tenant, w.client, assertion); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	if n := w.entra.Total(); n != 3 {
		t.Errorf("%d exchanges: one for each call, without retries", n)
	}
}

func TestExchangeSharesDiscoveryAndAsksForTheGivenScope(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	w.federate(t)
	gets := 0
	exchange := credential.Exchange(&credential.ExchangeOptions{Scope: scope, ClientOptions: azcore.ClientOptions{Transport: transport(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet {
			gets++
		}
		return w.hosts.Do(r)
	})}})
	for range 3 {
		if _, err := exchange(t.Context(), tenant, w.client, w.project(t, credentialtest.ServiceAccountToken{})); err != nil {
			t.Fatal(err)
		}
	}
	if gets != 2 {
		t.Errorf("%d discovery requests for three exchanges, want 2", gets)
	}
	if got := w.entra.Exchanges()[0].Resource; got != strings.TrimSuffix(scope, "/.default") {
		t.Errorf("asked for %s", got)
	}
}

// A BearerTokenPolicy and a chain, as in Azure's clients, must not repeat what was retried.
func TestAzureClientsDoNotRetryOurErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		w.entra.SetRule(credentialtest.Always(credentialtest.Answer{Code: 90002}))
		cred := w.workload(t, nil)
		chain, err := azidentity.NewChainedTokenCredential([]azcore.TokenCredential{cred}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []azcore.TokenCredential{cred, chain} {
			time.Sleep(2 * time.Second) // a failure is repeated for a second
			before := w.entra.Total()
			if _, err := call(t.Context(), c, says(200, "", "")); err == nil {
				t.Error("no error")
			}
			if n := w.entra.Total() - before; n != 1 {
				t.Errorf("%d token requests, want 1", n)
			}
		}
	})
}
