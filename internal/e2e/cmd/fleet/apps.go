package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// deployApps puts applications into every cluster that live on Pod Identity and whose identities trust them already, so that they can be
// moved. "web" has an autoscaler.
func deployApps(ctx context.Context, f *fleet.Fleet) error {
	for _, c := range f.Clusters {
		if err := c.AwaitNMI(ctx); err != nil {
			return err
		}
		for _, name := range []string{"web", "orders"} {
			a := app.App{Namespace: name, Name: name, Identity: f.Identity("rg-"+name, "id-"+name), Replicas: 2, OnPodIdentity: true}
			if name == "web" {
				a.MaxReplicas = 30
			}
			if err := trust(ctx, f, c, a.Identity, name, name); err != nil {
				return err
			}
			if err := c.Apply(ctx, a.YAML()); err != nil {
				return err
			}
		}
	}
	return nil
}

// trust lets an identity trust a service account of a cluster, under the name that a federation plan would give it.
func trust(ctx context.Context, f *fleet.Fleet, c *fleet.Cluster, id catalog.Identity, namespace, account string) error {
	store, err := f.Azure.Store()
	if err != nil {
		return err
	}
	return store.Put(ctx, id, federation.Credential{Name: federation.CredentialName("", c.Name, namespace, account),
		Issuer: c.Issuer(), Subject: workloadid.Subject(namespace, account), Audience: workloadid.Audience})
}

// operator makes somebody who may ask the fleet's ARM: a service account of the first cluster, with a token of a day. It prints the
// environment by which Azure's SDKs become it, and how to move the fleet.
func operator(ctx context.Context, f *fleet.Fleet, fleetFile string, stdout io.Writer) error {
	const name = "wimigrate"
	c, id := f.Clusters[0], f.Identity("rg-"+name, "id-"+name)
	manifests := fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: %[1]s}}\n---\n{apiVersion: v1, kind: ServiceAccount, metadata: {name: %[1]s, namespace: %[1]s}}\n", name)
	if err := c.Apply(ctx, manifests); err != nil {
		return err
	}
	if err := trust(ctx, f, c, id, name, name); err != nil {
		return err
	}
	day := int64(24 * 3600)
	token, err := c.Client.CoreV1().ServiceAccounts(name).CreateToken(ctx, name, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: []string{workloadid.Audience}, ExpirationSeconds: &day}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("fleet: the operator's token: %w", err)
	}
	file := filepath.Join(f.Dir, "operator.token")
	if err := os.WriteFile(file, []byte(token.Status.Token), 0o600); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "export SSL_CERT_FILE=%s AZURE_AUTHORITY_HOST=%s AZURE_TENANT_ID=%s\nexport AZURE_CLIENT_ID=%s AZURE_FEDERATED_TOKEN_FILE=%s\n",
		filepath.Join(f.Dir, "ca.crt"), f.Azure.EntraURL, azure.TenantID, id.ClientID, file)
	fmt.Fprintf(stdout, "go run ./examples/cutover -fleet %s -arm %s -window 10s -soak 30s -bake 1s -induce 10 -save %s\n\n", fleetFile, f.Azure.ARMURL,
		filepath.Join(f.Dir, "cutover.json"))
	return nil
}
