package credentialtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

const (
	exampleTenant = "8c6ad4f1-0000-4000-8000-000000000001"
	exampleClient = "5f0c2ab7-0000-4000-8000-000000000002"
)

func exampleIdentity(trusted ...credentialtest.FederatedCredential) credentialtest.Identity {
	return credentialtest.Identity{
		TenantID: exampleTenant, ClientID: exampleClient, ObjectID: "0b1ec7",
		ResourceID:  "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/payments",
		Credentials: trusted,
	}
}

// exampleEntra is an Entra, and the issuer it trusts for payments/api.
func exampleEntra() (*credentialtest.Entra, *credentialtest.Issuer, *credentialtest.Directory, credentialtest.Hosts) {
	issuer, err := credentialtest.NewIssuer("https://issuer.example/", &credentialtest.IssuerOptions{Key: issuerKey()})
	check(err)
	dir := credentialtest.NewDirectory()
	dir.Put(exampleIdentity(credentialtest.FederatedCredential{
		Name: "payments", Issuer: issuer.URL(), Subject: "system:serviceaccount:payments:api", Audience: credentialtest.ExchangeAudience,
	}))
	world := credentialtest.Hosts{"issuer.example": issuer}
	entra, err := credentialtest.NewEntra(dir, &credentialtest.EntraOptions{Transport: world, Key: entraKey()})
	check(err)
	world["login.microsoftonline.com"] = entra
	return entra, issuer, dir, world
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// tokenFile writes the token where a webhook would mount it.
func tokenFile(token string) string {
	dir, err := os.MkdirTemp("", "credentialtest")
	check(err)
	file := filepath.Join(dir, "azure-identity-token")
	check(os.WriteFile(file, []byte(token), 0o600))
	return file
}

// A real azidentity credential gets a token from the double for the service
// account that the identity trusts, and an explained refusal for another.
func ExampleNewEntra() {
	entra, issuer, _, world := exampleEntra()
	for _, name := range []string{"api", "web"} {
		assertion, err := issuer.Mint(credentialtest.ServiceAccountToken{Namespace: "payments", Name: name})
		check(err)
		file := tokenFile(assertion)
		defer func() { _ = os.RemoveAll(filepath.Dir(file)) }()
		cred, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: azcore.ClientOptions{Transport: world},
			TenantID:      exampleTenant, ClientID: exampleClient, TokenFilePath: file,
		})
		check(err)
		_, err = cred.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://vault.azure.net/.default"}})
		fmt.Println(name, "got a token:", err == nil)
	}
	for _, x := range entra.Exchanges() {
		fmt.Println(x.Subject, x.Status, x.Code)
	}
	// Output:
	// api got a token: true
	// web got a token: false
	// system:serviceaccount:payments:api 200 0
	// system:serviceaccount:payments:web 401 700213
}

// What a resource does with a token: verify it and read whose it is.
func ExampleEntra_Verify() {
	entra, _, _, _ := exampleEntra()
	token, err := entra.Issue(exampleIdentity(), "https://vault.azure.net")
	check(err)
	claims, err := entra.Verify(token.Value)
	check(err)
	fmt.Println(claims.String("appid"), claims.Audiences())
	_, err = entra.Verify(token.Value[:len(token.Value)-4] + "AAAA")
	fmt.Println("altered:", err != nil)
	// Output:
	// 5f0c2ab7-0000-4000-8000-000000000002 [https://vault.azure.net]
	// altered: true
}

// Entra is throttled twice and then refuses once, whatever the request says.
func ExampleRule() {
	entra, _, _, world := exampleEntra()
	entra.SetRule(credentialtest.FirstOf(
		credentialtest.Times(2, credentialtest.Answer{Code: 90055, Canned: credentialtest.Canned{RetryAfter: 3 * time.Second}}),
		credentialtest.Times(1, credentialtest.Answer{Code: 700016}),
	))
	for range 3 {
		res, err := (&http.Client{Transport: world}).PostForm("https://login.microsoftonline.com/"+exampleTenant+"/oauth2/v2.0/token",
			map[string][]string{"grant_type": {"client_credentials"}})
		check(err)
		check(res.Body.Close())
		fmt.Println(res.StatusCode, res.Header.Get("Retry-After"))
	}
	// Output:
	// 429 3
	// 429 3
	// 400
}

// An issuer rotates its key: the old one stays published until it is retired.
func ExampleNewIssuer() {
	issuer, err := credentialtest.NewIssuer("https://issuer.example/", nil)
	check(err)
	first := issuer.KeyID()
	second, err := issuer.Rotate(nil)
	check(err)
	fmt.Println(first != second, issuer.KeyID() == second)
	res, err := (&http.Client{Transport: credentialtest.InMemory(issuer)}).Get("https://issuer.example/.well-known/openid-configuration")
	check(err)
	check(res.Body.Close())
	fmt.Println(res.Status, issuer.Fetches())
	// Output:
	// true true
	// 200 OK map[/.well-known/openid-configuration:1]
}

// A directory refuses what Azure refuses.
func ExampleNewDirectory() {
	dir := credentialtest.NewDirectory()
	dir.Put(exampleIdentity())
	fic := credentialtest.FederatedCredential{Name: "a", Issuer: "https://issuer.example/", Subject: "system:serviceaccount:payments:api", Audience: credentialtest.ExchangeAudience}
	fmt.Println(dir.Federate(exampleClient, fic))
	fic.Name = "b"
	fmt.Println(dir.Federate(exampleClient, fic))
	// Output:
	// <nil>
	// credentialtest: 5f0c2ab7-0000-4000-8000-000000000002: issuer and subject combination already exists as "a"
}

// exampleNode is a node with one pod, whose identity is assigned.
func exampleNode() (*credentialtest.NMI, *credentialtest.IMDS) {
	entra, _, _, _ := exampleEntra()
	imds, err := credentialtest.NewIMDS(entra, &credentialtest.IMDSOptions{UserAssigned: []credentialtest.Identity{
		{TenantID: exampleTenant, ClientID: "the-kubelets-own", ObjectID: "k"},
	}})
	check(err)
	id := credentialtest.AzureIdentity{Namespace: "payments", Name: "payments", ClientID: exampleClient}
	state := credentialtest.NodeState{Pods: []credentialtest.Pod{{Namespace: "payments", Name: "api-0", IP: "10.0.0.7"}}}
	state.Assign("payments", "api-0", id, credentialtest.StateAssigned)
	nmi, err := credentialtest.NewNMI(credentialtest.NewNode(state), credentialtest.InMemory(imds), nil)
	check(err)
	return nmi, imds
}

// The start-up race: MIC assigns the identity, but it is not attached to the
// virtual machine yet, and azidentity gives up on NMI's 403 at once.
func ExampleNewNMI() {
	nmi, imds := exampleNode()
	cred, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: credentialtest.InMemory(nmi).From("10.0.0.7")},
		ID:            azidentity.ClientID(exampleClient),
	})
	check(err)
	request := policy.TokenRequestOptions{Scopes: []string{"https://vault.azure.net/.default"}}

	_, err = cred.GetToken(context.Background(), request)
	failed, _ := errors.AsType[*azidentity.AuthenticationFailedError](err)
	fmt.Println("before:", failed.RawResponse.StatusCode)

	imds.Attach(exampleIdentity())
	_, err = cred.GetToken(context.Background(), request)
	fmt.Println("after:", err)
	// Output:
	// before: 403
	// after: <nil>
}

// An NMI double's counters show whether the old path is still in use.
func ExampleNMI_ServeMetrics() {
	nmi, imds := exampleNode()
	imds.Attach(exampleIdentity())
	req, err := http.NewRequest(http.MethodGet, credentialtest.TokenURL+"?resource=https://vault.azure.net", http.NoBody)
	check(err)
	req.Header.Set("Metadata", "true")
	res, err := credentialtest.InMemory(nmi).From("10.0.0.7").RoundTrip(req)
	check(err)
	check(res.Body.Close())
	for op, count := range nmi.Requests() {
		fmt.Println(op.Namespace, op.Status, op.Resource, count)
	}
	// Output:
	// payments 200 https://vault.azure.net 1
}

// While NMI is not there, the real IMDS answers for the node.
func ExampleNewIMDS() {
	_, imds := exampleNode()
	req, err := http.NewRequest(http.MethodGet, credentialtest.TokenURL+"?resource=https://vault.azure.net&client_id="+exampleClient, http.NoBody)
	check(err)
	req.Header.Set("Metadata", "true")
	res, err := credentialtest.InMemory(imds).RoundTrip(req)
	check(err)
	check(res.Body.Close())
	fmt.Println(res.StatusCode, res.Header.Get("Server"))
	// Output:
	// 400 IMDS/150.870.65.1475
}

// A node whose content changes by the clock: the pod is seen a little late.
func ExampleNewNode() {
	node := credentialtest.NewNode(credentialtest.NodeState{})
	node.After(10*time.Millisecond, func(s *credentialtest.NodeState) {
		s.Pods = append(s.Pods, credentialtest.Pod{Namespace: "payments", Name: "api-0", IP: "10.0.0.7"})
	})
	fmt.Println(len(node.PodsByIP("10.0.0.7")))
	time.Sleep(20 * time.Millisecond)
	fmt.Println(len(node.PodsByIP("10.0.0.7")))
	// Output:
	// 0
	// 1
}

// A connection that reached the real IMDS stays there after NMI has started.
func ExampleNewGateway() {
	nmi, imds := exampleNode()
	imds.Attach(exampleIdentity())
	gateway := credentialtest.NewGateway(nmi, imds)
	kept, fresh := gateway.Dial("10.0.0.7", true), gateway.Dial("10.0.0.7", false)
	who := func(rt http.RoundTripper) string {
		req, err := http.NewRequest(http.MethodGet, credentialtest.TokenURL+"?resource=https://vault.azure.net&client_id="+exampleClient, http.NoBody)
		check(err)
		req.Header.Set("Metadata", "true")
		res, err := rt.RoundTrip(req)
		check(err)
		check(res.Body.Close())
		if res.Header.Get("Server") == "" {
			return "NMI"
		}
		return "IMDS"
	}
	gateway.Bypass(true)
	fmt.Println(who(kept), who(fresh))
	gateway.Bypass(false)
	fmt.Println(who(kept), who(fresh))
	// Output:
	// IMDS IMDS
	// IMDS NMI
}

// A server is killed and started again on its port.
func ExampleServe() {
	server, err := credentialtest.Serve(credentialtest.Canned{Body: "hello"}, nil)
	check(err)
	defer server.Close()
	client := server.Client()
	client.Transport.(*http.Transport).DisableKeepAlives = true
	try := func() {
		res, err := client.Get("http://169.254.169.254/whatever")
		if err == nil {
			err = res.Body.Close()
		}
		fmt.Println("answered:", err == nil)
	}
	try()
	check(server.Refuse())
	try()
	check(server.Up())
	try()
	// Output:
	// answered: true
	// answered: false
	// answered: true
}

// A source that refuses connections for a moment and then recovers.
func ExampleNewTimeline() {
	line := credentialtest.NewTimeline(credentialtest.Canned{Body: "healthy"},
		credentialtest.Phase{Behaviour: credentialtest.Refused(), For: 10 * time.Millisecond})
	client := &http.Client{Transport: line}
	_, err := client.Get("http://169.254.169.254/")
	fmt.Println("refused:", err != nil)
	time.Sleep(time.Until(line.Recovery()))
	res, err := client.Get("http://169.254.169.254/")
	check(err)
	check(res.Body.Close())
	fmt.Println(res.StatusCode, line.Requests())
	// Output:
	// refused: true
	// 200 2
}

// The ways in which a token source fails at start-up, for a table of results.
func ExampleBehaviours() {
	for _, b := range credentialtest.Behaviours() {
		fmt.Println(b.Name)
	}
	// Output:
	// 404, not assigned yet
	// 500, pod unknown
	// 503 without Retry-After
	// 429
	// 503 with Retry-After 20
	// 503 with Retry-After 30
	// 403, identity not attached
	// 400 Identity not found
	// 400 Multiple identities
	// 200 with HTML
	// connection refused
	// SYN dropped
	// accepted, never answered
	// held until recovery
}
