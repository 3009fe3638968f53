package e2e_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// negatives changes the trust through ARM in one way after the other and has a pod's own projected token refused each time.
func negatives(t *testing.T, f *fleet.Fleet, store federation.Store, id catalog.Identity, pod kubelet.PodReport) {
	c := f.Cluster(pod.Cluster)
	right := federation.Credential{Issuer: c.Issuer(), Subject: workloadid.Subject(pod.Namespace, pod.ServiceAccount), Audience: workloadid.Audience}
	have, err := store.List(t.Context(), id)
	i := slices.IndexFunc(have, func(h federation.Credential) bool { return h.Issuer == right.Issuer && h.Subject == right.Subject })
	if err != nil || i < 0 {
		t.Fatalf("ARM holds %+v: %v", have, err)
	}
	right.Name = have[i].Name
	wrong := func(change func(*federation.Credential)) federation.Credential {
		changed := right
		change(&changed)
		return changed
	}
	put := func(c federation.Credential) func(context.Context) error {
		return func(ctx context.Context) error { return store.Put(ctx, id, c) }
	}
	for _, n := range []struct {
		name string
		act  func(context.Context) error
		code int
	}{
		{"the issuer lacks its trailing slash", put(wrong(func(w *federation.Credential) { w.Issuer = strings.TrimSuffix(w.Issuer, "/") })), 700211},
		{"the subject is of another service account", put(wrong(func(w *federation.Credential) { w.Subject += "x" })), 700213},
		{"the audience is another", put(wrong(func(w *federation.Credential) { w.Audience = "api://other" })), 700212},
		{"the credential was removed, and only the other cluster's is left", func(ctx context.Context) error { return store.Delete(ctx, id, right.Name) }, 700211},
	} {
		t.Run(n.name, func(t *testing.T) {
			if err := n.act(t.Context()); err != nil {
				t.Fatal(err)
			}
			awaitExchange(t, f, id, projected(t, c, pod), n.code)
			propagates(t, f, id, projected(t, c, pod), n.code, put(right))
		})
	}
	t.Run("an identity's first credential has not propagated", func(t *testing.T) {
		first := f.Identity("rg-payments", "id-first")
		propagates(t, f, first, projected(t, c, pod), 70025, func(ctx context.Context) error { return store.Put(ctx, first, right) })
	})
	t.Run("the signing key was rotated", func(t *testing.T) { rotation(t, f, id, pod) })
}

// propagates writes and exchanges a token again and again: it is refused with the very code until the change has propagated, then accepted.
func propagates(t *testing.T, f *fleet.Fleet, id catalog.Identity, token string, code int, write func(context.Context) error) {
	t.Helper()
	exchange, refusals, before := f.Azure.Exchange(), 0, time.Now()
	if err := write(t.Context()); err != nil {
		t.Fatal(err)
	}
	fleet.Await(t, "the change to propagate", func() (bool, error) {
		claims, err := exchange(t.Context(), azure.TenantID, id.ClientID, token)
		var refused *credential.TokenError
		switch took := time.Since(before); {
		case err == nil && (took < propagation || claims.ClientID != id.ClientID):
			t.Fatalf("%s after the write, which takes %s to be honoured, a token of %s was given, want one of %s", took, propagation, claims.ClientID, id.ClientID)
		case err == nil:
			return true, nil
		case !errors.As(err, &refused) || !slices.Equal(refused.Codes, []int{code}):
			t.Fatalf("refused with %v, want AADSTS%d alone", err, code)
		}
		refusals++
		return false, err
	})
	if refusals == 0 {
		t.Errorf("no exchange was refused in the %s that a change takes", propagation)
	}
}

// rotation rotates the signing key twice: a token of the old key is good as long as that is published, and refused once it is not; running
// pods, whose tokens the kubelet replaces, recover by themselves.
func rotation(t *testing.T, f *fleet.Fleet, id catalog.Identity, pod kubelet.PodReport) {
	c := f.Cluster(pod.Cluster)
	mint := func() (token, key string) {
		token, err := c.Mint(t.Context(), pod.Namespace, pod.ServiceAccount)
		if err != nil {
			t.Fatal(err)
		}
		return token, keyOf(t, token)
	}
	old, first := mint()
	if err := c.Plane.RotateSigningKey(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	fresh, second := mint()
	awaitExchange(t, f, id, old)
	awaitExchange(t, f, id, fresh)
	if err := c.Plane.RotateSigningKey(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	awaitExchange(t, f, id, old, 7000272)
	_, third := mint()
	if first == second || second == third || first == third {
		t.Errorf("three signing keys have the IDs %s, %s and %s", first, second, third)
	}
	const pods = 3
	fleet.Await(t, "the pods to exchange tokens of the new key", func() (bool, error) {
		seen := map[string]bool{}
		for _, x := range f.Azure.Entra.Exchanges() { // the test itself has exchanged none of them
			if x.Issuer == c.Issuer() && x.KeyID == third && x.Code == 0 {
				seen[x.TokenID] = true
			}
		}
		if len(seen) < pods {
			return false, fmt.Errorf("%d have been", len(seen))
		}
		return true, nil
	})
	awaitTokens(t, f, 2*pods, id.ClientID, true)
}

// keyOf is the ID of the key that a token names.
func keyOf(t *testing.T, token string) string {
	t.Helper()
	var header struct {
		KeyID string `json:"kid"`
	}
	first, _, _ := strings.Cut(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(first)
	if err == nil {
		err = json.Unmarshal(b, &header)
	}
	if err != nil || header.KeyID == "" {
		t.Fatalf("a token names the key %q: %v", header.KeyID, err)
	}
	return header.KeyID
}

func projected(t *testing.T, c *fleet.Cluster, pod kubelet.PodReport) string {
	t.Helper()
	token, err := c.ProjectedToken(pod)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// awaitExchange waits until an exchange ends with one of the codes, or well when there are none.
func awaitExchange(t *testing.T, f *fleet.Fleet, id catalog.Identity, token string, codes ...int) {
	t.Helper()
	exchange := f.Azure.Exchange()
	fleet.Await(t, fmt.Sprintf("an exchange to end with %v", codes), func() (bool, error) {
		claims, err := exchange(t.Context(), azure.TenantID, id.ClientID, token)
		if err == nil && claims.ClientID != id.ClientID {
			t.Fatalf("Entra answered with the identity %s, want %s", claims.ClientID, id.ClientID)
		}
		var refused *credential.TokenError
		if errors.As(err, &refused) && slices.ContainsFunc(refused.Codes, func(c int) bool { return slices.Contains(codes, c) }) {
			return true, nil
		}
		return err == nil && len(codes) == 0, err
	})
}
