package credentialtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

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
