package credential_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// In a pod New(nil) is all; here a small Azure stands in for the environment.
func ExampleNew() {
	azure := newAzure(true)
	defer azure.close()
	cred, err := credential.New(&credential.Options{
		ClientOptions: azcore.ClientOptions{Transport: azure.internet},
		LookupEnv:     azure.environment,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := cred.Ready(context.Background(), "https://storage.azure.com/.default"); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("ready through", cred.Status().Path)
	// Output: ready through workloadIdentity
}

// A pod that still relies on AAD Pod Identity needs its client ID.
func ExampleNew_podIdentity() {
	azure := newAzure(false)
	defer azure.close()
	empty := func(string) (string, bool) { return "", false }

	_, err := credential.New(&credential.Options{LookupEnv: empty})
	fmt.Println(errors.Is(err, credential.ErrNoIdentity), err)

	cred := check(credential.New(&credential.Options{
		ClientID: exampleClient, IMDSTransport: credentialtest.InMemory(azure.node), LookupEnv: empty}))
	_, err = cred.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
	fmt.Println(cred.Status().Path, cred.Status().AnsweredBy, err)
	// Output:
	// true credential: ClientID: required: without it the metadata endpoint may answer with the node's own identity; set Options.ClientID or AZURE_CLIENT_ID to the client ID in the pod's AzureIdentity
	// podIdentity imds <nil>
}

// A fallback is asked for, loud, and ends at a date.
func ExampleFallback() {
	azure := newAzure(false) // not federated yet
	defer azure.close()
	cred := check(credential.New(&credential.Options{
		ClientOptions: azcore.ClientOptions{Transport: azure.internet}, IMDSTransport: azure.internet, LookupEnv: azure.environment,
		Fallback: &credential.Fallback{Until: time.Now().Add(14 * 24 * time.Hour), After: -1},
		OnEvent: func(e credential.Event) {
			if e.Kind == credential.EventFallbackStarted {
				fmt.Println(e.Kind, "because", e.Message)
			}
		},
	}))
	_, err := cred.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
	fmt.Println(cred.Status().Path, cred.Status().Fallback.State, err)
	// Output:
	// fallbackStarted because the identity has no federated credential at all
	// podIdentity active <nil>
}

// Errors have fields to branch on, reach azidentity's error, and tell a person what to do.
func ExampleCredential_GetToken() {
	azure := newAzure(false)
	defer azure.close()
	cred := check(credential.New(&credential.Options{
		ClientOptions: azcore.ClientOptions{Transport: azure.internet}, LookupEnv: azure.environment,
		StartupWindow: -1, SteadyWindow: -1, // one try, to be quick
	}))
	_, err := cred.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
	if failed, ok := errors.AsType[*credential.TokenError](err); ok {
		fmt.Println(failed.Decision, failed.Codes, failed.Permanent)
		fmt.Println(failed.Meaning)
		fmt.Println(failed.Remedy)
	}
	var inner *azidentity.AuthenticationFailedError
	fmt.Println(errors.Is(err, credential.ErrNotFederated), errors.As(err, &inner), inner.RawResponse.StatusCode)
	// Output:
	// federation/none [70025] false
	// no federated credential on aaaaaaaa-0000-4000-8000-00000000000a for issuer "https://issuer.example/tenant/cluster/" subject "system:serviceaccount:payments:api" audience "api://AzureADTokenExchange": the identity has no federated credential at all
	// create one, or wait: a new one takes minutes to propagate; all three must match byte for byte
	// true true 401
}

// Ready waits, as long as its context permits, for what a start needs.
func ExampleCredential_Ready() {
	azure := newAzure(false)
	defer azure.close()
	cred := check(credential.New(&credential.Options{
		ClientOptions: azcore.ClientOptions{Transport: azure.internet}, LookupEnv: azure.environment,
		OnEvent: func(e credential.Event) {
			if e.Kind == credential.EventFailed && e.Attempt == 1 { // the operator federates the pod now
				check(0, azure.directory.Federate(exampleClient, credentialtest.FederatedCredential{
					Name: "aks", Issuer: issuer, Subject: subject, Audience: credentialtest.ExchangeAudience}))
			}
		},
	}))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fmt.Println(cred.Ready(ctx, "https://storage.azure.com/.default"))
	// Output: <nil>
}

// A readiness probe never waits, and asking is enough to get ready.
func ExampleCredential_ReadyHandler() {
	azure := newAzure(true)
	defer azure.close()
	cred := check(credential.New(&credential.Options{ClientOptions: azcore.ClientOptions{Transport: azure.internet}, LookupEnv: azure.environment}))
	server := httptest.NewServer(cred.ReadyHandler("https://storage.azure.com/.default"))
	defer server.Close()
	probe := func() string {
		res := check(http.Get(server.URL)) //nolint:noctx // an example
		_ = res.Body.Close()
		return res.Status
	}
	fmt.Println(probe())
	check(0, cred.Ready(context.Background(), "https://storage.azure.com/.default"))
	fmt.Println(probe())
	// Output:
	// 503 Service Unavailable
	// 200 OK
}

// The status is JSON for people and dashboards. It holds no token.
func ExampleCredential_StatusHandler() {
	azure := newAzure(true)
	defer azure.close()
	cred := check(credential.New(&credential.Options{ClientOptions: azcore.ClientOptions{Transport: azure.internet}, LookupEnv: azure.environment}))
	rec := httptest.NewRecorder()
	cred.StatusHandler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	fmt.Println(rec.Body)
	// Output:
	// {
	//   "path": "workloadIdentity",
	//   "clientID": "aaaaaaaa-0000-4000-8000-00000000000a",
	//   "tenantID": "11111111-1111-1111-1111-111111111111",
	//   "failures": 0,
	//   "taken": 0,
	//   "failed": 0,
	//   "window": {
	//     "open": false
	//   },
	//   "fallback": {
	//     "state": "off"
	//   },
	//   "tokens": []
	// }
}

// Status says which path is in use and what happened last.
func ExampleCredential_Status() {
	azure := newAzure(true)
	defer azure.close()
	cred := check(credential.New(&credential.Options{ClientOptions: azcore.ClientOptions{Transport: azure.internet}, LookupEnv: azure.environment}))
	check(0, cred.Ready(context.Background(), "https://storage.azure.com/.default"))
	s := cred.Status()
	fmt.Println(s.Path, s.AnsweredBy, s.Failures, s.Tokens[0].Scope, s.Tokens[0].Usable)
	// Output: workloadIdentity entra 0 https://storage.azure.com/.default true
}

// Diagnose runs the checklist, for a pod that gets no token.
func ExampleCredential_Diagnose() {
	azure := newAzure(false)
	defer azure.close()
	cred := check(credential.New(&credential.Options{ClientOptions: azcore.ClientOptions{Transport: azure.internet}, LookupEnv: azure.environment}))
	d := cred.Diagnose(context.Background(), "https://storage.azure.com/.default")
	for _, c := range d.Checks {
		fmt.Println(c.Result, c.Name)
	}
	fmt.Println(d.OK(), strings.Contains(d.String(), "AADSTS70025"))
	// Output:
	// pass client ID
	// pass environment
	// pass token file
	// pass audience
	// pass token times
	// pass issuer
	// fail request
	// false true
}

// Wrap gives a credential built elsewhere the same patience and the same cache.
func ExampleWrap() {
	azure := newAzure(true)
	defer azure.close()
	token, _ := azure.environment("AZURE_FEDERATED_TOKEN_FILE")
	inner := check(azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: azure.internet}, TenantID: tenant, ClientID: exampleClient, TokenFilePath: token}))
	cred := check(credential.Wrap(inner, &credential.WrapOptions{ClientID: exampleClient}))
	fmt.Println(cred.Ready(context.Background(), "https://storage.azure.com/.default"), cred.Status().Path)
	// Output: <nil> wrapped
}

// Exchange proves a federated credential before anything depends on it.
func ExampleExchange() {
	azure := newAzure(true)
	defer azure.close()
	exchange := credential.Exchange(&credential.ExchangeOptions{ClientOptions: azcore.ClientOptions{Transport: azure.internet}})
	claims, err := exchange(context.Background(), tenant, exampleClient, azure.assertion)
	fmt.Println(claims.ClientID, claims.ResourceID, err)
	// Output: aaaaaaaa-0000-4000-8000-00000000000a /subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/payments <nil>
}

// ReadClaims says whose a token is. It proves nothing: the signature is not checked.
func ExampleReadClaims() {
	azure := newAzure(true)
	defer azure.close()
	claims, err := credential.ReadClaims(azure.assertion)
	fmt.Println(claims.Issuer, claims.Subject, claims.Audience, err)
	// Output: https://issuer.example/tenant/cluster/ system:serviceaccount:payments:api [api://AzureADTokenExchange] <nil>
}

// Decisions is the table behind the retries, for review.
func ExampleDecisions() {
	for _, d := range credential.Decisions() {
		if d.NotFederated {
			fmt.Println(d.Name, d.Codes, d.Verdict, d.Pace)
		}
	}
	// Output:
	// federation/no-match [70021 700211 700213 7002131] retry patient
	// federation/none [70025] retry patient
}
