package issuer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"k8s.io/client-go/kubernetes"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/armfic"
	"github.com/wimigrate/wimigrate/federation/federationtest"
	"github.com/wimigrate/wimigrate/federation/issuer"
)

const proofTenant = "11111111-2222-3333-4444-555555555555"

// world is one cluster, one identity and one tenant: an API server that mints real tokens, ARM, and an Entra that verifies tokens against
// the issuer's keys and honours what ARM was told.
type world struct {
	t      *testing.T
	issuer *credentialtest.Issuer
	hosts  credentialtest.Hosts
	cloud  *federationtest.Cloud
	store  federation.Store
	cat    *catalog.Catalog
}

func newWorld(t *testing.T) *world {
	t.Helper()
	id := catalog.Identity{
		Kind: catalog.UserAssigned, ClientID: "c11e0000-0000-4000-8000-000000000001", TenantID: proofTenant,
		ResourceID: "/subscriptions/5a1e0000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-cart",
	}
	w := &world{t: t, hosts: credentialtest.Hosts{}, cloud: federationtest.NewCloud(nil), cat: &catalog.Catalog{
		Clusters: []catalog.Cluster{{Name: "aks", Coverage: catalog.Coverage{Complete: true}}},
		Needs:    []catalog.Need{{Cluster: "aks", Namespace: "shop", ServiceAccount: "cart", Identity: id}},
	}}
	w.cloud.Add(id, "westeurope")
	store, err := armfic.NewStore(&azfake.TokenCredential{}, &arm.ClientOptions{ClientOptions: policy.ClientOptions{Transport: w.cloud.ARM()}})
	if err != nil {
		t.Fatal(err)
	}
	w.store = store
	entra, err := credentialtest.NewEntra(credentialtest.TrustFunc(w.identity), &credentialtest.EntraOptions{Transport: w.hosts})
	if err != nil {
		t.Fatal(err)
	}
	w.hosts["login.microsoftonline.com"] = entra
	w.build("https://eastus.example/tenant/first/")
	return w
}

// identity is what Entra knows: what ARM was told.
func (w *world) identity(ctx context.Context, tenantID, clientID string) (credentialtest.Identity, error) {
	id := w.cat.Needs[0].Identity
	triples, err := w.cloud.Trusts(ctx, tenantID, clientID)
	if err != nil {
		return credentialtest.Identity{}, credentialtest.ErrUnknownClient
	}
	out := credentialtest.Identity{TenantID: id.TenantID, ClientID: id.ClientID, ObjectID: "0b1ec7", ResourceID: id.ResourceID}
	for _, t := range triples {
		out.Credentials = append(out.Credentials, credentialtest.FederatedCredential{Issuer: t.Issuer, Subject: t.Subject, Audience: t.Audience})
	}
	return out, nil
}

// build makes the cluster anew, with another issuer.
func (w *world) build(url string) {
	w.t.Helper()
	double, err := credentialtest.NewIssuer(url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.issuer = double
	w.hosts["eastus.example"] = double
}

// federate surveys the cluster's issuer, plans, and applies.
func (w *world) federate(kube kubernetes.Interface) *federation.Plan {
	w.t.Helper()
	results, err := issuer.Survey(w.t.Context(), []issuer.Target{{Cluster: w.cat.Clusters[0], Readers: []issuer.Reader{issuer.FromToken(kube, "shop", "cart", nil)}}}, &issuer.Options{SkipVerify: true})
	if err != nil || len(results[0].Findings) != 0 {
		w.t.Fatal(err, results[0].Findings)
	}
	w.cat.Clusters[0] = results[0].Cluster
	have, err := federation.Observe(w.t.Context(), w.store, w.cat, w.observe())
	if err != nil {
		w.t.Fatal(err)
	}
	plan, err := federation.NewPlan(w.cat, have, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := federation.Apply(w.t.Context(), w.store, plan, &federation.ApplyOptions{Pacing: w.observe().Pacing}); err != nil {
		w.t.Fatal(err)
	}
	return plan
}

// observe is without rates: nobody waits for a double.
func (w *world) observe() *federation.ObserveOptions {
	return &federation.ObserveOptions{Pacing: federation.Pacing{ARM: &federation.Rates{}}}
}

func (w *world) prove(kube kubernetes.Interface, patience time.Duration) error {
	w.t.Helper()
	exchange := credential.Exchange(&credential.ExchangeOptions{ClientOptions: azcore.ClientOptions{Transport: w.hosts}})
	triple := federation.Triple{Issuer: w.issuer.URL(), Subject: federation.Subject("shop", "cart"), Audience: federation.DefaultAudience}
	_, err := federation.Prove(w.t.Context(), []federation.ProofTarget{{
		Cluster: "aks", Namespace: "shop", ServiceAccount: "cart", Triple: triple, Identity: w.cat.Needs[0].Identity,
	}}, issuer.Minter(map[string]kubernetes.Interface{"aks": kube}), func(ctx context.Context, tenantID, clientID, assertion string) (federation.Claims, error) {
		claims, err := exchange(ctx, tenantID, clientID, assertion)
		return federation.Claims{ClientID: claims.ClientID, TenantID: claims.TenantID}, err
	}, &federation.ProveOptions{Settle: -1, Every: time.Millisecond, Deadline: patience})
	return err
}

func TestARebuiltClusterIsFederatedAgainAndProvenByExchange(t *testing.T) {
	w := newWorld(t)
	kube := apiServer(t, `{}`, func(audience string) string {
		token, err := w.issuer.Mint(credentialtest.ServiceAccountToken{Namespace: "shop", Name: "cart", Audience: audience})
		if err != nil {
			t.Error(err)
		}
		return token
	})
	if plan := w.federate(kube); plan.Count(federation.Create) != 1 {
		t.Fatalf("first plan %+v", plan.Changes)
	}
	if err := w.prove(kube, time.Minute); err != nil {
		t.Fatalf("the trust that was applied does not work: %v", err)
	}
	w.build("https://eastus.example/tenant/second/")
	err := w.prove(kube, 200*time.Millisecond)
	if !errors.Is(err, federation.ErrNotProven) || strings.Contains(err.Error(), "eyJ") {
		t.Errorf("a rebuilt cluster is still trusted, or the error gives a token away: %v", err)
	}
	if plan := w.federate(kube); plan.Count(federation.Replace) != 1 || plan.Count(federation.Create) != 0 {
		t.Errorf("second plan %+v", plan.Changes)
	}
	if err := w.prove(kube, time.Minute); err != nil {
		t.Errorf("the trust of the rebuilt cluster does not work: %v", err)
	}
}

func TestMinterNamesAClusterThatItDoesNotKnow(t *testing.T) {
	_, err := issuer.Minter(nil)(t.Context(), federation.ProofTarget{Cluster: "dark"})
	if err == nil || !strings.Contains(err.Error(), "dark") {
		t.Errorf("error %v", err)
	}
}
