package credential_test

import (
	"os"
	"path/filepath"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

const exampleClient = "aaaaaaaa-0000-4000-8000-00000000000a"

// azure is a small Azure for the examples: a tenant with one identity, the issuer of
// a cluster, and a pod's environment.
type azure struct {
	directory *credentialtest.Directory
	entra     *credentialtest.Entra
	internet  credentialtest.Hosts
	node      *credentialtest.IMDS
	assertion string
	dir       string
}

// newAzure starts it. The pod's service account is federated if federated is true.
func newAzure(federated bool) *azure {
	cluster := check(credentialtest.NewIssuer(issuer, &credentialtest.IssuerOptions{Key: issuerKey()}))
	a := &azure{directory: credentialtest.NewDirectory(), internet: credentialtest.Hosts{"issuer.example": cluster}}
	identity := credentialtest.Identity{TenantID: tenant, ClientID: exampleClient, ObjectID: "payments", ResourceID: armID}
	a.directory.Put(identity)
	if federated {
		check(0, a.directory.Federate(exampleClient, credentialtest.FederatedCredential{
			Name: "aks", Issuer: issuer, Subject: subject, Audience: credentialtest.ExchangeAudience}))
	}
	a.entra = check(credentialtest.NewEntra(a.directory, &credentialtest.EntraOptions{Transport: a.internet, Key: entraKey()}))
	a.internet["login.microsoftonline.com"] = a.entra
	a.node = check(credentialtest.NewIMDS(a.entra, &credentialtest.IMDSOptions{UserAssigned: []credentialtest.Identity{identity}}))
	a.internet["169.254.169.254"] = a.node
	a.assertion = check(cluster.Mint(credentialtest.ServiceAccountToken{Namespace: "payments", Name: "api"}))
	a.dir = check(os.MkdirTemp("", "wimigrate"))
	check(0, os.WriteFile(filepath.Join(a.dir, "token"), []byte(a.assertion), 0o600))
	return a
}

func (a *azure) close() { _ = os.RemoveAll(a.dir) }

// environment is what the webhook puts into the pod.
func (a *azure) environment(name string) (string, bool) {
	v, ok := map[string]string{
		"AZURE_CLIENT_ID": exampleClient, "AZURE_TENANT_ID": tenant, "AZURE_FEDERATED_TOKEN_FILE": filepath.Join(a.dir, "token"),
	}[name]
	return v, ok
}

// check ends an example that cannot be set up.
func check[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
