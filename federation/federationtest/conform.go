package federationtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// TestStore is the conformance suite of [federation.Store]. newStore returns the store under test over the given cloud, for identities
// of that kind; it is called once per subtest, inside a synctest bubble, so the store must not wait on anything outside (use the
// cloud's Services as transport). The store must neither repeat nor pace requests by itself.
func TestStore(t *testing.T, kind catalog.IdentityKind, newStore func(t *testing.T, c *Cloud) federation.Store) {
	for _, tc := range storeCases {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := NewCloud(tc.options)
				id := suiteIdentity(kind, "present")
				cloud.Add(id, "westeurope", tc.seed...)
				tc.run(suite{t, cloud, newStore(t, cloud), id, suiteIdentity(kind, "absent")})
			})
		})
	}
}

// suite is what a case of TestStore works with.
type suite struct {
	*testing.T
	cloud       *Cloud
	store       federation.Store
	id, missing catalog.Identity
}

func suiteIdentity(kind catalog.IdentityKind, name string) catalog.Identity {
	id := catalog.Identity{Kind: kind, Name: name,
		ClientID: map[string]string{"present": "aaaaaaaa-0000-4000-8000-00000000000A", "absent": "bbbbbbbb-0000-4000-8000-00000000000b"}[name]}
	if kind != catalog.Application {
		id.ResourceID = "/subscriptions/cccccccc-0000-4000-8000-00000000000c/resourceGroups/RG-Identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities/ID-" + name
	}
	return id
}

func suiteCredential(n int) federation.Credential {
	return federation.Credential{Name: fmt.Sprintf("credential-%02d", n), Issuer: "https://eastus.oic.prod-aks.azure.com/tenant/cluster/",
		Subject: fmt.Sprintf("system:serviceaccount:suite:account-%d", n), Audience: federation.DefaultAudience}
}

func suiteCredentials(n int) []federation.Credential {
	var all []federation.Credential
	for i := range n {
		all = append(all, suiteCredential(i))
	}
	return all
}

func (s suite) put(c federation.Credential) {
	s.Helper()
	if err := s.store.Put(s.Context(), s.id, c); err != nil {
		s.Fatalf("Put %s: %v", c.Name, err)
	}
}

func (s suite) expect(want ...federation.Credential) {
	s.Helper()
	got, err := s.store.List(s.Context(), s.id)
	if err != nil {
		s.Fatalf("List: %v", err)
	}
	byName := func(a, b federation.Credential) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(got, byName)
	slices.SortFunc(want, byName)
	if !slices.Equal(got, want) {
		s.Fatalf("List returned\n%v\nwant\n%v", got, want)
	}
}

// refused expects a *StoreError that says what was tried and matches the sentinel.
func (s suite) refused(err, want error, status int) {
	s.Helper()
	_ = s.refusal(err, want, status)
}

// refusal is refused, for those who want to look further.
func (s suite) refusal(err, want error, status int) *federation.StoreError {
	s.Helper()
	refusal, ok := errors.AsType[*federation.StoreError](err)
	if !ok {
		s.Fatalf("error is %T (%v), want a *federation.StoreError", err, err)
	}
	if !errors.Is(err, want) {
		s.Fatalf("error %v is not %v", err, want)
	}
	if refusal.Status != status || refusal.Op == "" || refusal.Identity != s.id.ID() && refusal.Identity != s.missing.ID() {
		s.Errorf("error %+v: want status %d, the operation and the identity", refusal, status)
	}
	return refusal
}

// storeCase is one behaviour that every store must have.
type storeCase struct {
	name    string
	options *CloudOptions
	seed    []federation.Credential
	run     func(suite)
}

var storeCases = slices.Concat(contentCases, refusalCases, directoryCases)
