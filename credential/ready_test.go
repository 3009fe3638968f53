package credential_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

func TestReadyIsPatientBeyondTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{Propagation: 10 * time.Minute})
		w.federate(t)
		cred := w.workload(t, nil)
		if err := cred.Ready(t.Context(), scope, "https://other.example/.default"); err != nil {
			t.Fatal(err)
		}
		before := w.entra.Total()
		// Azure's clients ask with CAE: the token is there.
		if _, err := cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}, EnableCAE: true}); err != nil || w.entra.Total() != before {
			t.Errorf("the token is not where clients look for it: %v", err)
		}
	})
}

func TestReadyEndsAtOnceWhenWaitingCannotHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		w.entra.SetRule(credentialtest.Always(credentialtest.Answer{Code: 90002}))
		start := time.Now()
		err := w.workload(t, nil).Ready(t.Context(), scope)
		var failed *credential.TokenError
		if !errors.As(err, &failed) || !failed.Permanent || time.Since(start) > time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

func TestReadyEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		start := time.Now()
		err := w.workload(t, nil).Ready(ctx, scope)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, credential.ErrNotFederated) || time.Since(start) != 10*time.Minute {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		time.Sleep(time.Minute)
	})
}

func TestReadyNeedsAScope(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	if err := w.workload(t, nil).Ready(t.Context()); err == nil {
		t.Error("ready for nothing")
	}
}

func TestProbingIsEnoughToBecomeReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{Propagation: 20 * time.Second})
		w.federate(t)
		cred := w.workload(t, nil)
		handler := cred.ReadyHandler(scope)
		var codes []int
		for range 5 {
			before := time.Now()
			rec := httptest.NewRecorder()
			handler.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", http.NoBody))
			if time.Since(before) != 0 {
				t.Error("a probe had to wait")
			}
			var body struct {
				Ready   bool
				Missing []string
				Status  credential.Status
			}
			if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			if body.Ready != (rec.Code == http.StatusOK) || body.Ready != (len(body.Missing) == 0) {
				t.Errorf("%d %s", rec.Code, rec.Body)
			}
			codes = append(codes, rec.Code)
			time.Sleep(10 * time.Second)
		}
		if codes[0] != http.StatusServiceUnavailable || codes[len(codes)-1] != http.StatusOK {
			t.Errorf("codes %v", codes)
		}
	})
}

func TestNotReadyOnceTheTokenHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{TokenLifetime: time.Hour})
		w.federate(t)
		cred := w.workload(t, nil)
		if err := cred.Ready(t.Context(), scope); err != nil {
			t.Fatal(err)
		}
		w.entra.SetRule(credentialtest.Always(credentialtest.Answer{Code: 700213}))
		probe := func() int {
			rec := httptest.NewRecorder()
			cred.ReadyHandler(scope).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", http.NoBody))
			return rec.Code
		}
		time.Sleep(59 * time.Minute)
		if code := probe(); code != http.StatusOK {
			t.Errorf("%d while the token is valid", code)
		}
		time.Sleep(time.Minute)
		if code := probe(); code != http.StatusServiceUnavailable {
			t.Errorf("%d after the token expired", code)
		}
		time.Sleep(time.Minute)
	})
}
