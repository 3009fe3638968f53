package catalogtest

import "github.com/wimigrate/wimigrate/catalog"

const armNamespace = "azure"

// azure plants what only ARM can tell, in a cluster of its own: the AKS add-on's profile, and the identities of Azure. Its read of
// CronJobs failed.
func (a *author) azure() {
	const ns = armNamespace
	c := NewCluster("aks-eastus-arm", "eastus").Node("node-0").Namespace("default")
	a.clusters = append(a.clusters, c)
	for _, name := range []string{"kept", "gone", "again", "far"} {
		a.app(c, ns, name, application{})
	}
	exists := func(name, client, location string) catalog.ManagedIdentity {
		return catalog.ManagedIdentity{ResourceID: ResourceID(ns + "-" + name), ClientID: client, TenantID: Tenant, Location: location}
	}
	c.Edit(func(s *catalog.Snapshot) {
		s.ManagedIdentitiesRead = true
		s.ManagedIdentities = []catalog.ManagedIdentity{
			exists("kept", ClientID(ns+"-kept"), "eastus"), exists("again", GUID("new"), "East US"), exists("far", ClientID(ns+"-far"), "westeurope")}
		s.AddOn = &catalog.AddOn{Enabled: true, Identities: []catalog.AddOnIdentity{
			entry("kept"), entry("gone"), entry("far"), entry("absent")}}
		s.Cluster.Coverage = catalog.Coverage{Gaps: []catalog.Gap{{Resource: "cronjobs.batch", Reason: "forbidden"}}}
	})
	a.plant(c, catalog.IdentityGone, ns, "AzureIdentity", "gone")
	a.plant(c, catalog.IdentityGone, ns, "AzureIdentity", "again")
	a.plant(c, catalog.CrossRegionIdentity, ns, "AzureIdentity", "far")
	a.plant(c, catalog.AddOnMismatch, ns, "AzureIdentity", "absent")
	a.plant(c, catalog.AddOnMismatch, ns, "AzureIdentityBinding", "again-binding")
	a.plant(c, catalog.CoverageGap, "", "Read", "cronjobs.batch")
}

// entry is the add-on's word on an application.
func entry(name string) catalog.AddOnIdentity {
	azure := armNamespace + "-" + name
	return catalog.AddOnIdentity{Name: name, Namespace: armNamespace, Selector: azure, ResourceID: ResourceID(azure), ClientID: ClientID(azure),
		ProvisioningState: "Assigned"}
}
