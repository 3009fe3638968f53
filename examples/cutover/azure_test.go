package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/wimigrate/wimigrate/catalog"
)

func TestAFleetTalksToTheCloudThatItsFileNames(t *testing.T) {
	for name, want := range map[string]string{
		"":                        cloud.AzurePublic.ActiveDirectoryAuthorityHost,
		catalog.AzurePublic:       cloud.AzurePublic.ActiveDirectoryAuthorityHost,
		catalog.AzureUSGovernment: cloud.AzureGovernment.ActiveDirectoryAuthorityHost,
		catalog.AzureChina:        cloud.AzureChina.ActiveDirectoryAuthorityHost,
	} {
		t.Setenv("AZURE_AUTHORITY_HOST", "")
		file := filepath.Join(t.TempDir(), "fleet.yaml")
		text := "clusters:\n- name: aks-1\n  region: eastus\n  context: aks-1\n"
		if name != "" {
			text = "cloud: " + name + "\n" + text
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		fleet, err := catalog.LoadFleet(file)
		if err != nil {
			t.Fatal(err)
		}
		a, err := newAzureWorld(fleet.Cloud, "", "")
		if err != nil {
			t.Fatal(err)
		}
		if a.authority != want {
			t.Errorf("cloud %q: Entra is asked at %s, want %s", name, a.authority, want)
		}
	}
}
