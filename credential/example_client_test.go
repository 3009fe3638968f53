package credential_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// Azure's clients, such as azblob, take the credential as it is. They ask through a
// BearerTokenPolicy, with CAE on: the token that Ready fetched is the one they use.
func ExampleCredential_azureClient() {
	azure := newAzure(true)
	defer azure.close()
	cred := check(credential.New(&credential.Options{ClientOptions: azcore.ClientOptions{Transport: azure.internet}, LookupEnv: azure.environment}))
	check(0, cred.Ready(context.Background(), "https://storage.azure.com/.default"))

	// What every client does inside.
	storage := transport(func(r *http.Request) (*http.Response, error) {
		_, err := azure.entra.Verify(r.Header.Get("Authorization")[len("Bearer "):])
		fmt.Println("storage verified the token:", err == nil)
		return says(http.StatusOK, "", "")(r)
	})
	pipeline := runtime.NewPipeline("azblob", "v1", runtime.PipelineOptions{PerRetry: []policy.Policy{
		runtime.NewBearerTokenPolicy(cred, []string{"https://storage.azure.com/.default"}, nil),
	}}, &azcore.ClientOptions{Transport: storage})
	req := check(runtime.NewRequest(context.Background(), http.MethodGet, "https://account.blob.core.windows.net/container"))
	res, err := pipeline.Do(req)
	fmt.Println(res.StatusCode, err, "token requests:", azure.entra.Total())
	// Output:
	// storage verified the token: true
	// 200 <nil> token requests: 1
}

// A chain as in DefaultAzureCredential: in a pod the credential leads, and since it
// does not probe, a start-up race does not make the chain pass it over. Outside a pod
// New says so, and a developer's credential takes its place.
func ExampleNew_chain() {
	azure := newAzure(true)
	defer azure.close()
	developer := tokenFunc(func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
		return azcore.AccessToken{Token: "of a developer"}, nil
	})
	for _, environment := range []func(string) (string, bool){azure.environment, func(string) (string, bool) { return "", false }} {
		var sources []azcore.TokenCredential
		cred, err := credential.New(&credential.Options{ClientOptions: azcore.ClientOptions{Transport: azure.internet}, LookupEnv: environment})
		switch {
		case err == nil:
			sources = append(sources, cred)
		case !errors.Is(err, credential.ErrNoIdentity):
			fmt.Println(err)
			return
		}
		chain := check(azidentity.NewChainedTokenCredential(append(sources, developer), nil))
		token, err := chain.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
		claims, _ := credential.ReadClaims(token.Token)
		fmt.Printf("%d sources: %q %v\n", 1+len(sources), claims.ClientID, err)
	}
	// Output:
	// 2 sources: "aaaaaaaa-0000-4000-8000-00000000000a" <nil>
	// 1 sources: "" <nil>
}

// Some programs need no more than azidentity's own retries, told what to repeat. Every
// caller then waits for all of them, and nothing checks whose the token is.
func Example_withoutThisPackage() {
	azure := newAzure(true)
	defer azure.close()
	azure.entra.SetRule(credentialtest.Times(1, credentialtest.Answer{Code: 700213}))
	token, _ := azure.environment("AZURE_FEDERATED_TOKEN_FILE")
	propagating := func(res *http.Response, err error) bool {
		return err == nil && (res.StatusCode == http.StatusBadRequest || res.StatusCode == http.StatusUnauthorized)
	}
	cred := check(azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		TenantID: tenant, ClientID: exampleClient, TokenFilePath: token,
		ClientOptions: azcore.ClientOptions{Transport: azure.internet, Retry: policy.RetryOptions{ShouldRetry: propagating, RetryDelay: time.Millisecond}},
	}))
	_, err := cred.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
	fmt.Println(err, azure.entra.Counts())
	// Output: <nil> map[0:1 700213:1]
}
