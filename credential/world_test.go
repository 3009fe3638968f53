package credential_test

import (
	"crypto/rand"
	"crypto/rsa"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

const (
	tenant  = "11111111-1111-1111-1111-111111111111"
	kubelet = "33333333-3333-3333-3333-333333333333"
	issuer  = "https://issuer.example/tenant/cluster/"
	subject = "system:serviceaccount:payments:api"
	scope   = "https://storage.azure.com/.default"
	armID   = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/payments"
	podIP   = "10.0.0.7"
)

// RSA keys are slow to make, so all worlds share them.
var (
	issuerKey = sync.OnceValue(newKey)
	entraKey  = sync.OnceValue(newKey)
)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

var clients atomic.Int64

// newClient returns an identity that MSAL's process-wide cache has not seen.
func newClient() string { return fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", clients.Add(1)) }

func ask(scopes ...string) policy.TokenRequestOptions {
	return policy.TokenRequestOptions{Scopes: scopes}
}

// world is a tenant with one identity, a cluster's issuer, and a node.
type world struct {
	client string
	issuer *credentialtest.Issuer
	dir    *credentialtest.Directory
	entra  *credentialtest.Entra
	hosts  credentialtest.Hosts
	imds   *credentialtest.IMDS
	file   string
}

func newWorld(t testing.TB, opts credentialtest.EntraOptions) *world {
	t.Helper()
	is, err := credentialtest.NewIssuer(issuer, &credentialtest.IssuerOptions{Key: issuerKey()})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{client: newClient(), issuer: is, dir: credentialtest.NewDirectory(), file: filepath.Join(t.TempDir(), "token"),
		hosts: credentialtest.Hosts{"issuer.example": is}}
	w.dir.Put(w.identity())
	opts.Key, opts.Transport = entraKey(), w.hosts
	if w.entra, err = credentialtest.NewEntra(w.dir, &opts); err != nil {
		t.Fatal(err)
	}
	w.hosts["login.microsoftonline.com"] = w.entra
	w.imds, err = credentialtest.NewIMDS(w.entra, &credentialtest.IMDSOptions{
		UserAssigned: []credentialtest.Identity{{TenantID: tenant, ClientID: kubelet, ObjectID: "kubelet", ResourceID: "/kubelet"}}})
	if err != nil {
		t.Fatal(err)
	}
	w.project(t, credentialtest.ServiceAccountToken{})
	return w
}

func (w *world) identity() credentialtest.Identity {
	return credentialtest.Identity{TenantID: tenant, ClientID: w.client, ObjectID: "object", ResourceID: armID}
}

func (w *world) trust() credentialtest.FederatedCredential {
	return credentialtest.FederatedCredential{Name: "aks-payments-api", Issuer: issuer, Subject: subject, Audience: credentialtest.ExchangeAudience}
}

// federate trusts the pod's service account.
func (w *world) federate(t testing.TB) {
	t.Helper()
	if err := w.dir.Federate(w.client, w.trust()); err != nil {
		t.Fatal(err)
	}
}

// project writes the token file, as the kubelet does, and returns the token.
func (w *world) project(t testing.TB, token credentialtest.ServiceAccountToken) string {
	t.Helper()
	token.Namespace, token.Name = "payments", "api"
	raw, err := w.issuer.Mint(token)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.file, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	return raw
}

// env is what the webhook injects.
func (w *world) env(name string) (string, bool) {
	v, ok := map[string]string{"AZURE_CLIENT_ID": w.client, "AZURE_TENANT_ID": tenant, "AZURE_FEDERATED_TOKEN_FILE": w.file}[name]
	return v, ok
}

// workload makes a credential of a pod that carries workload identity.
func (w *world) workload(t testing.TB, change func(*credential.Options)) *credential.Credential {
	t.Helper()
	o := credential.Options{ClientOptions: azcore.ClientOptions{Transport: w.hosts}, LookupEnv: w.env}
	return create(t, o, change)
}

// pod makes a credential of a pod that relies on pod identity.
func (w *world) pod(t testing.TB, endpoint policy.Transporter, change func(*credential.Options)) *credential.Credential {
	t.Helper()
	o := credential.Options{ClientID: w.client, TenantID: tenant, IMDSTransport: endpoint, LookupEnv: noEnv}
	return create(t, o, change)
}

func create(t testing.TB, o credential.Options, change func(*credential.Options)) *credential.Credential {
	t.Helper()
	if change != nil {
		change(&o)
	}
	c, err := credential.New(&o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// transport makes a function a transport.
type transport func(*http.Request) (*http.Response, error)

func (f transport) Do(r *http.Request) (*http.Response, error) { return f(r) }

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
