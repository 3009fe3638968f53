package credentialtest_test

import (
	"context"
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
