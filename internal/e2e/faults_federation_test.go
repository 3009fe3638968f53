package e2e_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/armfic"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fault"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/serve"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// armFault is what happens at ARM while the trust of one identity is applied.
type armFault struct {
	name  string
	rules []fault.Rule
	// have is what the identity trusts before the plan is made; meanwhile is written after that, by somebody else.
	have, meanwhile []federation.Credential
	// refused is the error of the first apply; nil: it makes what the plan says. Where heals is set, an apply without faults does.
	refused error
	heals   bool
}

const concurrentWrites = `{"error":{"code":"ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity","message":"Too many."}}`

func armFaults() []armFault {
	put, list := []string{http.MethodPut}, []string{http.MethodGet}
	foreign := federation.Credential{Name: wantedName, Issuer: "https://other.example/", Subject: "system:serviceaccount:a:b", Audience: workloadid.Audience}
	twenty := make([]federation.Credential, federation.MaxCredentials)
	for i := range twenty {
		twenty[i] = federation.Credential{Name: named("other", i), Issuer: "https://other.example/", Subject: named("s", i), Audience: workloadid.Audience}
	}
	return []armFault{
		{name: "another write is under way", rules: []fault.Rule{{Methods: put, Times: 2, Fault: fault.Fault{Status: 409, Body: concurrentWrites}}}},
		{name: "writes are throttled", rules: []fault.Rule{{Methods: put, Times: 1, Fault: fault.Fault{Status: 429, RetryAfter: "1"}}}},
		{name: "reads are throttled", rules: []fault.Rule{{Methods: list, Times: 2, Fault: fault.Fault{Status: 429}}}},
		{name: "writes fail", rules: []fault.Rule{{Methods: put, Times: 1, Fault: fault.Fault{Status: 500}}, {Methods: put, Times: 1, Fault: fault.Fault{Status: 503}}}},
		{name: "a write does not arrive", rules: []fault.Rule{{Methods: put, Times: 2, Fault: fault.Fault{ResetBefore: true}}}},
		{name: "the reply to a write is lost", rules: []fault.Rule{{Methods: put, Times: 1, Fault: fault.Fault{ResetAfter: true}}}},
		{name: "a write fails and was made", rules: []fault.Rule{{Methods: put, Times: 1, Fault: fault.Fault{StatusAfter: 504}}}},
		{name: "the reply is lost and so is the look whether it was made", rules: []fault.Rule{
			{Methods: put, Times: 1, Fault: fault.Fault{ResetAfter: true}}, {Methods: list, Skip: 2, Times: 1, Fault: fault.Fault{ResetBefore: true}}}},
		{name: "lists are cut short", rules: []fault.Rule{{Methods: list, Times: 3, Fault: fault.Fault{Truncate: 5}}}},
		{name: "a list is old after the write", rules: []fault.Rule{{Methods: list, Times: 3, Fault: fault.Fault{Stale: 2 * time.Second}}}},
		{name: "writes fail for longer than anyone waits",
			rules: []fault.Rule{{Methods: put, Fault: fault.Fault{Status: 503}}}, refused: federation.ErrUnavailable, heals: true},
		{name: "writing is forbidden", rules: []fault.Rule{{Methods: put, Fault: fault.Fault{Status: 403}}}, refused: federation.ErrForbidden, heals: true},
		{name: "a foreign credential has the name", have: []federation.Credential{foreign}},
		{name: "a foreign credential took the name since the plan", meanwhile: []federation.Credential{foreign}, refused: federation.ErrStale},
		{name: "twenty credentials are there", have: twenty, refused: federation.ErrBlocked},
		{name: "twenty credentials came since the plan", meanwhile: twenty, refused: federation.ErrStale},
	}
}

// wantedName is the name that the plan gives the credential of the one service account of these tests.
var wantedName = federation.CredentialName("", "aks-eastus-01", "shop", "web")

// federationUnderFaults applies trust through ARM's endpoint while it fails, for an identity of its own each.
func federationUnderFaults(t *testing.T, f *fleet.Fleet) {
	together(t, armFaults(), func(c armFault) string { return c.name }, func(t *testing.T, i int, c armFault) {
		id := azure.NewIdentity("rg-arm", named("id-arm", i))
		f.Azure.Cloud.Add(id, "eastus", c.have...)
		store, injector := faultyARM(t, f)
		a := applied{t: t, store: store, id: id, issuer: f.Clusters[0].Issuer(),
			pace: federation.Pacing{ARM: &federation.Rates{}, Backoff: 100 * time.Millisecond, Patience: 3 * time.Second}}
		p := a.plan()
		for _, x := range c.meanwhile {
			if err := store.Put(t.Context(), id, x); err != nil {
				t.Fatal(err)
			}
		}
		others := f.Azure.Cloud.State()[id.Key()]
		injector.Script(c.rules...)
		report, err := federation.Apply(t.Context(), store, p, &federation.ApplyOptions{Pacing: a.pace})
		if c.refused == nil && err != nil || c.refused != nil && !errors.Is(err, c.refused) || report.Complete() != (err == nil) {
			t.Errorf("Apply ended with %v, want %v: %+v", err, c.refused, report.Outcomes)
		}
		if len(c.rules) > 0 {
			struck(t, injector, 0)
		}
		injector.Script()
		if c.heals {
			if _, err := federation.Apply(t.Context(), store, a.plan(), &federation.ApplyOptions{Pacing: a.pace}); err != nil {
				t.Errorf("without faults: %v", err)
			}
		}
		a.check(f.Azure.Cloud.State()[id.Key()], others, c.refused == nil || c.heals)
	})
}

// faultyARM is a store over an endpoint of ARM of its own.
func faultyARM(t *testing.T, f *fleet.Fleet) (*armfic.Store, *fault.Injector) {
	t.Helper()
	i := fault.New(1)
	s, err := serve.TLS(f.Authority, "arm", i.Wrap(f.Azure.Cloud.ARM()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	opts := f.Azure.ClientOptions()
	opts.Cloud.Services[cloud.ResourceManager] = cloud.ServiceConfiguration{Endpoint: s.URL, Audience: "https://management.azure.com"}
	store, err := armfic.NewStore(f.Azure.Operator(), &arm.ClientOptions{ClientOptions: opts})
	if err != nil {
		t.Fatal(err)
	}
	return store, i
}

// applied is one service account and the identity that it is to become.
type applied struct {
	t      *testing.T
	store  *armfic.Store
	id     catalog.Identity
	issuer string
	pace   federation.Pacing
}

func (a *applied) plan() *federation.Plan {
	a.t.Helper()
	cat := &catalog.Catalog{
		Clusters: []catalog.Cluster{{Name: "aks-eastus-01", Region: "eastus", Issuer: a.issuer, Coverage: catalog.Coverage{Complete: true}}},
		Needs:    []catalog.Need{{Cluster: "aks-eastus-01", Namespace: "shop", ServiceAccount: "web", Identity: a.id, State: catalog.StatePodIdentity}},
	}
	have, err := federation.Observe(a.t.Context(), a.store, cat, &federation.ObserveOptions{Pacing: a.pace})
	if err != nil {
		a.t.Fatal(err)
	}
	p, err := federation.NewPlan(cat, have, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	return p
}

// check judges that what others have is what they had, and that our credential is there once, or not at all.
func (a *applied) check(after, others []federation.Credential, wanted bool) {
	a.t.Helper()
	left := slices.DeleteFunc(slices.Clone(after), func(c federation.Credential) bool { return c.Issuer == a.issuer })
	if diff := cmp.Diff(others, left, cmpopts.EquateEmpty()); diff != "" {
		a.t.Errorf("credentials of others (-before +after):\n%s", diff)
	}
	if ours := len(after) - len(left); ours > 1 || (ours == 1) != wanted {
		a.t.Errorf("%d credentials of ours are there; wanted: %v", ours, wanted)
	}
	if again := a.plan(); wanted != again.Converged() {
		a.t.Errorf("planned again, converged is %v, want %v: %+v", again.Converged(), wanted, again.Changes)
	}
}
