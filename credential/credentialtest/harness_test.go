package credentialtest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	azruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

const (
	tenant   = "11111111-1111-1111-1111-111111111111"
	client   = "22222222-2222-2222-2222-222222222222"
	kubelet  = "33333333-3333-3333-3333-333333333333"
	object   = "44444444-4444-4444-4444-444444444444"
	resource = "https://vault.azure.net"
	armID    = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/payments"
	subject  = "system:serviceaccount:payments:api"
)

var scopes = policy.TokenRequestOptions{Scopes: []string{resource + "/.default"}}

// Making RSA keys is slow, so tests share two.
var (
	issuerKey = sync.OnceValue(func() *rsa.PrivateKey { return newKey() })
	entraKey  = sync.OnceValue(func() *rsa.PrivateKey { return newKey() })
	otherKey  = sync.OnceValue(func() *rsa.PrivateKey { return newKey() })
)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// world is one tenant with one identity that one cluster's service account can become.
type world struct {
	issuer *credentialtest.Issuer
	dir    *credentialtest.Directory
	entra  *credentialtest.Entra
	hosts  credentialtest.Hosts
}

func newWorld(t testing.TB, opts credentialtest.EntraOptions) *world {
	t.Helper()
	issuer, err := credentialtest.NewIssuer("https://issuer.example/tenant/cluster/", &credentialtest.IssuerOptions{Key: issuerKey()})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{issuer: issuer, dir: credentialtest.NewDirectory(), hosts: credentialtest.Hosts{"issuer.example": issuer}}
	w.dir.Put(identity())
	opts.Key = entraKey()
	if opts.Transport == nil {
		opts.Transport = w.hosts
	}
	if w.entra, err = credentialtest.NewEntra(w.dir, &opts); err != nil {
		t.Fatal(err)
	}
	w.hosts["login.microsoftonline.com"] = w.entra
	return w
}

func identity() credentialtest.Identity {
	return credentialtest.Identity{
		TenantID: tenant, ClientID: client, ObjectID: object, ResourceID: armID,
		Credentials: []credentialtest.FederatedCredential{trust()},
	}
}

func trust() credentialtest.FederatedCredential {
	return credentialtest.FederatedCredential{
		Name: "aks-payments-api", Issuer: "https://issuer.example/tenant/cluster/", Subject: subject, Audience: credentialtest.ExchangeAudience,
	}
}

func (w *world) mint(t testing.TB, tok credentialtest.ServiceAccountToken) string {
	t.Helper()
	if tok.Namespace == "" {
		tok.Namespace, tok.Name = "payments", "api"
	}
	raw, err := w.issuer.Mint(tok)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// workload returns a real azidentity credential that sends assertion.
func workload(t testing.TB, transport policy.Transporter, assertion string, change func(*azidentity.WorkloadIdentityCredentialOptions)) azcore.TokenCredential {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(assertion), 0o600); err != nil {
		t.Fatal(err)
	}
	opts := &azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: transport}, TenantID: tenant, ClientID: client, TokenFilePath: file,
	}
	if change != nil {
		change(opts)
	}
	cred, err := azidentity.NewWorkloadIdentityCredential(opts)
	if err != nil {
		t.Fatal(err)
	}
	return cred
}

// refusedWith returns the AADSTS code and the HTTP status in an azidentity error.
func refusedWith(t testing.TB, err error) (code, status int) {
	t.Helper()
	failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err)
	if !ok || failed.RawResponse == nil {
		t.Fatalf("not an AuthenticationFailedError with a response: %v", err)
	}
	body, err := azruntime.Payload(failed.RawResponse)
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		Codes []int `json:"error_codes"`
	}
	if err := json.Unmarshal(body, &e); err != nil || len(e.Codes) != 1 {
		t.Fatalf("body %s is not Entra's: %v", body, err)
	}
	return e.Codes[0], failed.RawResponse.StatusCode
}

// node is a node with NMI, IMDS and one pod at 10.0.0.7.
type node struct {
	*credentialtest.Node
	dir   *credentialtest.Directory
	entra *credentialtest.Entra
	imds  *credentialtest.IMDS
	nmi   *credentialtest.NMI
}

const podIP = "10.0.0.7"

var freshID atomic.Int64

// freshClient returns an ID that MSAL's process-wide cache has not seen.
func freshClient() string {
	return fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", freshID.Add(1))
}

func newNode(t testing.TB, opts credentialtest.NMIOptions, state credentialtest.NodeState) *node {
	t.Helper()
	w := newWorld(t, credentialtest.EntraOptions{})
	imds, err := credentialtest.NewIMDS(w.entra, &credentialtest.IMDSOptions{
		UserAssigned: []credentialtest.Identity{{TenantID: tenant, ClientID: kubelet, ObjectID: "kubelet", ResourceID: "/kubelet"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{Node: credentialtest.NewNode(state), dir: w.dir, entra: w.entra, imds: imds}
	w.dir.Put(credentialtest.Identity{TenantID: tenant, ClientID: app, ObjectID: object, Secret: "hunter2"})
	if opts.Entra == nil {
		opts.Entra = w.hosts
	}
	if n.nmi, err = credentialtest.NewNMI(n, credentialtest.InMemory(imds), &opts); err != nil {
		t.Fatal(err)
	}
	return n
}

func apiPod() credentialtest.Pod {
	return credentialtest.Pod{Namespace: "payments", Name: "api-0", IP: podIP, Labels: map[string]string{"aadpodidbinding": "payments"}}
}

func azureIdentity(clientID string) credentialtest.AzureIdentity {
	return credentialtest.AzureIdentity{Namespace: "payments", Name: "payments", ClientID: clientID, ResourceID: armID}
}

// attach gives the node the identity, as MIC does.
func (n *node) attach(clientID string) {
	n.imds.Attach(credentialtest.Identity{TenantID: tenant, ClientID: clientID, ObjectID: object, ResourceID: armID})
}

// managed returns a real azidentity credential for a pod.
func managed(t testing.TB, transport policy.Transporter, id azidentity.ManagedIDKind) azcore.TokenCredential {
	t.Helper()
	cred, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: transport}, ID: id,
	})
	if err != nil {
		t.Fatal(err)
	}
	return cred
}

// ask sends a raw token request and returns status, header and body.
func ask(t testing.TB, transport http.RoundTripper, url string, header http.Header) (int, http.Header, string) {
	t.Helper()
	res, body, err := tryAsk(t.Context(), transport, url, header)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, body
}

func tryAsk(ctx context.Context, transport http.RoundTripper, url string, header http.Header) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, "", err
	}
	if header != nil {
		req.Header = header
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return res, string(bytes.TrimRight(body, "\n")), err
}

var metadata = http.Header{"Metadata": {"true"}}
