package credential_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// dual is a pod with both paths, and what its credential reported.
type dual struct {
	*world
	cred  *credential.Credential
	kinds []credential.EventKind
}

func newDual(t *testing.T, fallback *credential.Fallback, federated bool) *dual {
	t.Helper()
	d := &dual{world: newWorld(t, credentialtest.EntraOptions{TokenLifetime: time.Hour})}
	d.imds.Attach(d.identity())
	if federated {
		d.federate(t)
	}
	d.cred = create(t, credential.Options{
		ClientOptions: azcore.ClientOptions{Transport: d.hosts}, IMDSTransport: credentialtest.InMemory(d.imds),
		LookupEnv: d.env, Fallback: fallback, OnEvent: func(e credential.Event) { d.kinds = append(d.kinds, e.Kind) },
	}, nil)
	return d
}

func (d *dual) path(t *testing.T) credential.Path {
	t.Helper()
	return d.cred.Status().Path
}

func TestNothingFallsBackWithoutBeingAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDual(t, nil, false)
		_, err := d.cred.GetToken(t.Context(), ask(scope))
		if !errors.Is(err, credential.ErrNotFederated) {
			t.Errorf("got %v", err)
		}
		if d.imds.Requests() != 0 {
			t.Error("the metadata endpoint was asked")
		}
	})
}

func TestAFallbackHasAWholeWindowOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDual(t, &credential.Fallback{Until: time.Now().Add(time.Hour)}, false)
		d.imds.Fail(credentialtest.Canned{Status: 404, Body: "not assigned yet"})
		healed := time.AfterFunc(3*time.Minute+7*time.Second, func() { d.imds.Fail(nil) }) // it begins after 10 s at the earliest
		defer healed.Stop()
		if _, err := d.cred.GetToken(t.Context(), ask(scope)); err != nil {
			t.Error(err)
		}
	})
}

func TestThePermittedFallbackIsLoudAndEndsForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until := time.Now().Add(3 * time.Hour)
		d := newDual(t, &credential.Fallback{Until: until}, false)
		start := time.Now()
		if _, err := d.cred.GetToken(t.Context(), ask(scope)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 10*time.Second || took > 20*time.Second {
			t.Errorf("fell back after %s, want 10 s of trying first", took)
		}
		if s := d.cred.Status(); s.Path != credential.PodIdentity || s.Fallback.State != "active" || s.Fallback.Reason == "" || !s.Fallback.Until.Equal(until) {
			t.Errorf("status %+v", s.Fallback)
		}
		if !slices.Contains(d.kinds, credential.EventFallbackStarted) {
			t.Errorf("events %v do not tell of the fallback", d.kinds)
		}
		before := d.entra.Total()
		for time.Now().Before(until.Add(-time.Minute)) { // refreshes stay on the fallback
			if _, err := d.cred.GetToken(t.Context(), ask(scope)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Minute)
		}
		if d.entra.Total() != before {
			t.Error("back and forth: Entra was asked while the fallback was active")
		}
		time.Sleep(2 * time.Hour) // past the deadline, and the last token
		if s := d.cred.Status(); s.Path != credential.WorkloadIdentity || s.Fallback.State != "ended" {
			t.Errorf("status before the next request: %+v", s.Fallback)
		}
		if _, err := d.cred.GetToken(t.Context(), ask(scope)); !errors.Is(err, credential.ErrNotFederated) {
			t.Errorf("after the deadline: %v", err)
		}
		if s := d.cred.Status(); s.Path != credential.WorkloadIdentity || s.Fallback.State != "ended" {
			t.Errorf("status %+v", s.Fallback)
		}
		if !slices.Contains(d.kinds, credential.EventFallbackEnded) {
			t.Errorf("events do not tell of the end")
		}
	})
}

func TestThereIsNoFallbackAfterWorkloadIdentityHasSucceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDual(t, &credential.Fallback{Until: time.Now().Add(time.Hour), After: -1}, true)
		if _, err := d.cred.GetToken(t.Context(), ask(scope)); err != nil {
			t.Fatal(err)
		}
		d.entra.SetRule(credentialtest.Always(credentialtest.Answer{Code: 700213}))
		if _, err := d.cred.GetToken(t.Context(), ask("https://other.example/.default")); !errors.Is(err, credential.ErrNotFederated) {
			t.Errorf("got %v", err)
		}
		if d.imds.Requests() != 0 || d.path(t) != credential.WorkloadIdentity {
			t.Error("it fell back")
		}
	})
}

func TestOnlyMissingFederationStartsTheFallback(t *testing.T) {
	for _, code := range []int{700212, 7000272, 50166, 700024, 700016, 90002, 90033} {
		synctest.Test(t, func(t *testing.T) {
			d := newDual(t, &credential.Fallback{Until: time.Now().Add(time.Hour), After: -1}, true)
			d.entra.SetRule(credentialtest.Always(credentialtest.Answer{Code: code}))
			if _, err := d.cred.GetToken(t.Context(), ask(scope)); err == nil {
				t.Errorf("%d: no error", code)
			}
			if d.imds.Requests() != 0 {
				t.Errorf("%d: it fell back", code)
			}
		})
	}
}

func TestTheFallbackRefusesTheNodesIdentityToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDual(t, &credential.Fallback{Until: time.Now().Add(time.Hour), After: -1}, false)
		d.imds.Fail(d.answers(t, credentialtest.Identity{TenantID: tenant, ClientID: kubelet}))
		if _, err := d.cred.GetToken(t.Context(), ask(scope)); !errors.Is(err, credential.ErrWrongIdentity) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAFallbackNeedsAnEnd(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	_, err := credential.New(&credential.Options{LookupEnv: w.env, Fallback: &credential.Fallback{}})
	var config *credential.ConfigError
	if !errors.As(err, &config) || config.Setting != "Fallback.Until" {
		t.Errorf("got %v", err)
	}
}
