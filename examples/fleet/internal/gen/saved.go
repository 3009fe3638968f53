package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// saveWithARM turns the dumps of a cluster into a saved snapshot that also holds what ARM knows, as a scan with both sources would
// have saved it: the AKS add-on's profile, and the identities that exist in Azure.
func saveWithARM(dir string, c *cluster) error {
	folder := filepath.Join(dir, c.name)
	snap, err := catalog.Dir(c.name, folder, &catalog.FilesOptions{Cluster: catalog.Cluster{Region: c.region, ResourceID: c.resourceID(),
		Issuer: c.issuer()}}).Read(context.Background())
	if err != nil {
		return err
	}
	snap.Origin = "a scan of the cluster and of ARM"
	addARM(c, snap)
	f, err := os.Create(folder + ".json")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := catalog.WriteSnapshot(f, snap); err != nil {
		return err
	}
	return os.RemoveAll(folder)
}

// addARM plants what only ARM can tell: an entry of the add-on that nothing in the cluster stands for, an identity that was deleted in
// Azure, and one of another region.
func addARM(c *cluster, snap *catalog.Snapshot) {
	selectors := map[string]string{}
	for _, b := range snap.Bindings {
		selectors[b.Namespace+"/"+b.AzureIdentity] = b.Selector
	}
	snap.AddOn = &catalog.AddOn{Enabled: true, Origin: "arm:" + c.resourceID()}
	snap.ManagedIdentitiesRead = true
	ids := slices.SortedFunc(slices.Values(snap.Identities), func(a, b catalog.AzureIdentity) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	seen := map[string]bool{}
	for _, id := range ids {
		snap.AddOn.Identities = append(snap.AddOn.Identities, catalog.AddOnIdentity{Name: id.Name, Namespace: id.Namespace,
			Selector: selectors[id.Namespace+"/"+id.Name], ResourceID: id.ResourceID, ClientID: id.ClientID, ProvisioningState: "Assigned"})
		if id.Name == "janitor" || seen[id.ResourceID] {
			continue // janitor's was deleted in Azure last spring
		}
		seen[id.ResourceID] = true
		location := c.region
		if id.Name == "telemetry" {
			location = "eastus"
		}
		snap.ManagedIdentities = append(snap.ManagedIdentities,
			catalog.ManagedIdentity{ResourceID: id.ResourceID, ClientID: id.ClientID, TenantID: tenant, Location: location})
	}
	snap.AddOn.Identities = append(snap.AddOn.Identities, catalog.AddOnIdentity{Name: "scanner", Namespace: "tools", Selector: "scanner",
		ResourceID: c.identityID("id-scanner"), ClientID: clientID(c.identityID("id-scanner")),
		ProvisioningState: "Failed", ProvisioningError: "UserAssignedIdentityNotFound"})
}
