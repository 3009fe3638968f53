package lint_test

import (
	"context"
	"fmt"
	"os"
	"testing/fstest"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation/lint"
)

func exampleFiles() fstest.MapFS {
	return fstest.MapFS{"prod/main.tf": {Data: []byte(`resource "azurerm_federated_identity_credential" "app" {
  issuer = "https://eastus.oic.prod-aks.azure.com/0b1f6471-1bf0-4dda-aec3-cb9272f09590/11111111-2222-4333-8444-555555555555/"
}
`)}}
}

func ExampleScan() {
	cat := &catalog.Catalog{Clusters: []catalog.Cluster{{
		Name:   "aks-eastus-01",
		Issuer: "https://eastus.oic.prod-aks.azure.com/0b1f6471-1bf0-4dda-aec3-cb9272f09590/11111111-2222-4333-8444-555555555555/",
	}}}
	report, err := lint.Scan(context.Background(), exampleFiles(), &lint.Options{Catalog: cat})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range report.Failing() {
		fmt.Printf("%s:%d:%d: %s\n  write: %s\n", f.File, f.Line, f.Column, f.Message, f.Instead)
	}
	fmt.Println("exit", lint.ExitCode(report, err))
	// Output:
	// prod/main.tf:2:13: the issuer of cluster aks-eastus-01 is pasted as a string; a rebuilt cluster has another one
	//   write: azurerm_kubernetes_cluster.aks-eastus-01.oidc_issuer_url (the resource, or a data source of that type), or an input variable that the cluster's module feeds
	// exit 3
}

func ExampleFile() {
	found := lint.File("trust.sh", []byte(`ISSUER="https://$REGION.oic.prod-aks.azure.com/$TENANT/$ID/"`), nil)
	fmt.Println(found[0].Rule)
	fmt.Println(found[0].Instead)
	// Output:
	// built-issuer
	// "$(az aks show --resource-group <group> --name <cluster> --query oidcIssuerProfile.issuerUrl --output tsv)"
}

func ExampleWriteText() {
	report, _ := lint.Scan(context.Background(), fstest.MapFS{"notes.md": {Data: []byte("nothing pasted")}}, nil)
	if err := lint.WriteText(os.Stdout, report); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 1 files read, 0 findings fail, 0 are notes, 0 are ignored, 0 files or folders not read
}

func ExampleWriteSARIF() {
	report, _ := lint.Scan(context.Background(), exampleFiles(), nil)
	file, err := os.CreateTemp("", "*.sarif")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(file.Name())
	fmt.Println(lint.WriteSARIF(file, report), file.Close())
	// Output:
	// <nil> <nil>
}

func ExampleExitCode() {
	report, err := lint.Scan(context.Background(), fstest.MapFS{"values.yaml": {Data: []byte("replicas: 2\n")}}, nil)
	fmt.Println(lint.ExitCode(report, err))
	// Output:
	// 0
}
