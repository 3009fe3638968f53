package e2e_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fault"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/serve"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// notYet is what a replica of Entra says to which the trust has not come yet.
const notYet = `{"error":"invalid_client","error_codes":[70021],
	"error_description":"AADSTS70021: No matching federated identity record found for presented assertion."}`

// entraFault is what happens at Entra while a trust is proven.
type entraFault struct {
	name  string
	rules []fault.Rule // at the token endpoint
	keys  []fault.Rule // where Entra fetches the issuer's documents
	// late: the trust is written after the first exchanges were refused, which Entra then remembers.
	late bool
	// failures are how many attempts must have failed at least; where time decides, one, for each may take seconds on a loaded machine.
	// Where never is set, the proof must not come at all.
	failures int
	never    bool
}

func entraFaults() []entraFault {
	token := func(n int, share float64, x fault.Fault) []fault.Rule {
		return []fault.Rule{{Path: "/token", Times: n, Share: share, Fault: x}}
	}
	issuer := func(n int, x fault.Fault) []fault.Rule { return []fault.Rule{{Times: n, Fault: x}} }
	return []entraFault{
		{name: "Entra throttles", rules: token(2, 0, fault.Fault{Status: 429, RetryAfter: "1"}), failures: 2},
		{name: "Entra fails", rules: token(3, 0, fault.Fault{Status: 503}), failures: 3},
		{name: "Entra hangs up before the exchange", rules: token(2, 0, fault.Fault{ResetBefore: true}), failures: 2},
		{name: "Entra hangs up after the exchange", rules: token(2, 0, fault.Fault{ResetAfter: true}), failures: 2},
		{name: "Entra's answer is cut short", rules: token(2, 0, fault.Fault{Truncate: 20}), failures: 2},
		{name: "some replicas know the trust and some do not", rules: token(12, 0.5, fault.Fault{Status: 401, Body: notYet}), failures: 2},
		{name: "it works twice, and then does not", rules: []fault.Rule{{Path: "/token", Skip: 2, Times: 1, Fault: fault.Fault{Status: 401, Body: notYet}}}, failures: 1},
		{name: "most replicas never know the trust", rules: []fault.Rule{{Path: "/token", Skip: 2, Times: 1, Fault: fault.Fault{Status: 401, Body: notYet}},
			{Path: "/token", Skip: 2, Fault: fault.Fault{Status: 401, Body: notYet}}}, failures: 1, never: true},
		{name: "Entra remembers that there was no trust", late: true, failures: 1},
		{name: "Entra cannot fetch the issuer's keys for a while", keys: issuer(4, fault.Fault{Status: 503}), failures: 1},
		{name: "the issuer hangs up on Entra", keys: issuer(3, fault.Fault{ResetBefore: true}), failures: 1},
		{name: "Entra never gets the issuer's keys", keys: issuer(0, fault.Fault{Status: 503}), failures: 1, never: true},
	}
}

// proofsUnderFaults proves trust at Entra's endpoint while it fails: only so many successes in a row prove anything.
func proofsUnderFaults(t *testing.T, f *fleet.Fleet) {
	var rest []entraFault
	for i, c := range entraFaults() {
		if len(c.keys) == 0 {
			rest = append(rest, c)
			continue
		}
		t.Run(c.name, func(t *testing.T) { c.run(t, f, named("id-keys", i)) }) // alone: all of Entra has no keys then
	}
	together(t, rest, func(c entraFault) string { return c.name }, func(t *testing.T, i int, c entraFault) { c.run(t, f, named("id-entra", i)) })
}

func (c *entraFault) run(t *testing.T, f *fleet.Fleet, name string) {
	id, cluster, account := azure.NewIdentity("rg-entra", name), f.Clusters[0], named("unit", 0)
	trust := federation.Credential{Name: "web", Issuer: cluster.Issuer(), Subject: workloadid.Subject(account, account), Audience: workloadid.Audience}
	at, injector := faultyEntra(t, f)
	injector.Script(c.rules...)
	opts := federation.ProveOptions{TenantID: azure.TenantID, Settle: -1, Every: 50 * time.Millisecond, Deadline: 20 * time.Second}
	if c.never {
		opts.Deadline = 5 * time.Second // enough for several attempts on a loaded machine
	}
	mint := func(ctx context.Context, target federation.ProofTarget) (string, error) {
		return cluster.Mint(ctx, target.Namespace, target.ServiceAccount)
	}
	if c.late {
		f.Azure.Cloud.Add(id, "eastus")
		store, err := f.Azure.Store()
		if err != nil {
			t.Fatal(err)
		}
		early := mint
		mint = func(ctx context.Context, target federation.ProofTarget) (string, error) {
			if len(f.Azure.Cloud.State()[id.Key()]) == 0 && c.refusedOnce(ctx, t, at, id.ClientID, early, target) {
				if err := store.Put(ctx, id, trust); err != nil {
					return "", err
				}
			}
			return early(ctx, target)
		}
	} else {
		f.Azure.Cloud.Add(id, "eastus", trust)
	}
	f.Azure.KeyFaults.Script(c.keys...)
	before := len(f.Azure.KeyFaults.Events())
	defer f.Azure.KeyFaults.Script()
	target := federation.ProofTarget{Cluster: cluster.Name, Namespace: account, ServiceAccount: account, Triple: trust.Triple(), Identity: id}
	proofs, err := federation.Prove(t.Context(), []federation.ProofTarget{target}, mint, at, &opts)
	if c.never != errors.Is(err, federation.ErrNotProven) || !c.never && err != nil {
		t.Errorf("Prove ended with %v", err)
	}
	judgeAttempts(t, &proofs[0], c)
	switch {
	case len(c.rules) > 0:
		struck(t, injector, 0)
	case len(c.keys) > 0:
		struck(t, f.Azure.KeyFaults, before)
	}
}

// judgeAttempts checks that the proof rests on the last three attempts, in a row, and on no three before them.
func judgeAttempts(t *testing.T, p *federation.Proof, c *entraFault) {
	t.Helper()
	row, failed := 0, 0
	for n, a := range p.Attempts {
		if row++; a.Error != "" {
			row, failed = 0, failed+1
		}
		if row == 3 && n != len(p.Attempts)-1 {
			t.Errorf("attempt %d of %d was the third success in a row", n+1, len(p.Attempts))
		}
	}
	if p.Proven == c.never || p.Proven != (row >= 3) || failed < c.failures {
		t.Errorf("proven %v after %d attempts, %d in a row at the end; %d failed, want %d at least: %+v", p.Proven, len(p.Attempts), row, failed, c.failures, p.Attempts)
	}
	t.Logf("proven %v: %d attempts, %d failed", p.Proven, len(p.Attempts), failed)
}

// refusedOnce exchanges before there is any trust, and reports whether Entra has refused that.
func (c *entraFault) refusedOnce(ctx context.Context, t *testing.T, at federation.Exchanger, clientID string,
	mint federation.Minter, target federation.ProofTarget) bool {
	t.Helper()
	assertion, err := mint(ctx, target)
	if err != nil {
		t.Error(err)
		return false
	}
	_, err = at(ctx, azure.TenantID, clientID, assertion)
	_, refused := errors.AsType[*credential.TokenError](err)
	return refused
}

// faultyEntra exchanges at an endpoint of Entra of its own.
func faultyEntra(t *testing.T, f *fleet.Fleet) (federation.Exchanger, *fault.Injector) {
	t.Helper()
	i := fault.New(1)
	s, err := serve.TLS(f.Authority, "entra", i.Wrap(f.Azure.Entra))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	opts := f.Azure.ClientOptions()
	opts.Cloud.ActiveDirectoryAuthorityHost = s.URL + "/"
	exchange := credential.Exchange(&credential.ExchangeOptions{ClientOptions: opts, DisableInstanceDiscovery: true})
	return func(ctx context.Context, tenantID, clientID, assertion string) (federation.Claims, error) {
		c, err := exchange(ctx, tenantID, clientID, assertion)
		return federation.Claims{ClientID: c.ClientID, TenantID: c.TenantID, ResourceID: c.ResourceID}, err
	}, i
}
