package federation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// twoRegions is the estate of the claim below: workloads that run in both of two regional clusters, each with one identity per region.
func twoRegions(workloads int) *catalog.Catalog {
	cat := &catalog.Catalog{Clusters: []catalog.Cluster{cluster("aks-eastus", "eastus", 1), cluster("aks-westeurope", "westeurope", 2)}}
	for i := range workloads {
		for _, region := range []string{"eastus", "westeurope"} {
			cat.Needs = append(cat.Needs, need("aks-"+region, fmt.Sprintf("team-%02d", i), "app", managed(fmt.Sprintf("id-app-%02d-%s", i, region))))
		}
	}
	return cat
}

// "One managed identity per workload, not per cluster … and the count of federatedIdentityCredentials to keep in sync drops by ~50 %."
//
// It does not. A credential stands for one (issuer, subject), and a workload has as many of those as clusters it runs in, whatever
// identity holds them. What halves is the number of identities, and with them the role assignments to keep the same. The price is
// that every one of them is trusted from both regions.
func TestOneIdentityPerWorkloadHalvesIdentitiesNotCredentials(t *testing.T) {
	const workloads = 18
	cat := twoRegions(workloads)
	have := federation.State{}
	rows, err := federation.Compare(cat, have, nil)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := rows.Text(&text); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	keep, perWorkload, perCluster := rows[0], rows[1], rows[2]
	if keep.Credentials != 2*workloads || perWorkload.Credentials != 2*workloads || perCluster.Credentials != 2*workloads {
		t.Errorf("credentials: keep %d, per workload %d, per cluster %d: each should be %d", keep.Credentials, perWorkload.Credentials, perCluster.Credentials, 2*workloads)
	}
	if keep.Identities != 2*workloads || perWorkload.Identities != workloads || perCluster.Identities != 2 {
		t.Errorf("identities: keep %d, per workload %d, per cluster %d", keep.Identities, perWorkload.Identities, perCluster.Identities)
	}
	if keep.RoleSets != 0 || perWorkload.RoleSets != 2*workloads || perWorkload.NewIdentities != workloads {
		t.Errorf("what it takes to get there: %+v", perWorkload)
	}
	if keep.Blast.MaxOtherRegion != 0 || perWorkload.Blast.MaxOtherRegion != workloads || perCluster.Blast.MaxOtherRegion != 0 {
		t.Errorf("reach into the other region: keep %d, per workload %d, per cluster %d", keep.Blast.MaxOtherRegion, perWorkload.Blast.MaxOtherRegion, perCluster.Blast.MaxOtherRegion)
	}
	if keep.Headroom != 19 || perWorkload.Headroom != 18 || perCluster.Headroom != 2 {
		t.Errorf("headroom: keep %d, per workload %d, per cluster %d", keep.Headroom, perWorkload.Headroom, perCluster.Headroom)
	}
}

func TestCompareShowsWhereTheLimitBites(t *testing.T) {
	rows, err := federation.Compare(twoRegions(25), federation.State{}, &federation.CompareOptions{RoleAssignments: map[string]int{managed("id-app-00-eastus").Key(): 3, managed("id-app-01-eastus").Key(): 2}})
	if err != nil {
		t.Fatal(err)
	}
	perCluster := rows[2]
	if perCluster.OverLimit != 2 || perCluster.Headroom != -5 || perCluster.Blocking != 2 {
		t.Errorf("per cluster: %+v", perCluster)
	}
	if rows[1].RoleAssignments != 5 {
		t.Errorf("known role assignments to create: %d, want 5", rows[1].RoleAssignments)
	}
	if rows[0].RoleAssignments != 0 {
		t.Errorf("keeping identities needs no role assignment, not %d", rows[0].RoleAssignments)
	}
}

func TestATwelveClusterWorkloadNeedsTwelveCredentialsOnOneIdentity(t *testing.T) {
	cat := &catalog.Catalog{}
	for i := range 24 {
		c := cluster(fmt.Sprintf("aks-%02d", i), []string{"eastus", "westeurope"}[i%2], i)
		cat.Clusters = append(cat.Clusters, c)
		cat.Needs = append(cat.Needs, need(c.Name, "shop", "cart", managed(fmt.Sprintf("id-cart-%02d", i))))
	}
	p := mustPlan(t, cat, federation.State{}, &federation.PlanOptions{Topology: federation.PerWorkload()})
	if len(p.Identities) != 1 || p.Identities[0].Peak != 24 || p.Identities[0].Blocked == "" || !p.Identities[0].Proposed {
		t.Errorf("one identity per workload over 24 clusters: %+v", p.Identities)
	}
	if len(p.Identities[0].Split) != 2 {
		t.Errorf("split: %+v", p.Identities[0].Split)
	}
}

func TestPerClusterReportsTrustAcrossRegions(t *testing.T) {
	cat := twoRegions(1)
	opts := &federation.PlanOptions{Topology: federation.PerCluster()}
	east := mustPlan(t, cat, federation.State{}, opts).Identities[0].Identity
	have := federation.State{east.Key(): {{Name: "hot-fix", Issuer: issuer("westeurope", 2), Subject: "system:serviceaccount:team-00:app", Audience: federation.DefaultAudience}}}
	p := mustPlan(t, cat, have, opts)
	if len(p.Findings) != 1 || p.Findings[0].Code != federation.CrossRegionTrust || p.Findings[0].Severity != catalog.Error {
		t.Errorf("findings: %+v", p.Findings)
	}
	if p := mustPlan(t, cat, have, &federation.PlanOptions{Topology: federation.PerWorkload()}); len(p.Findings) != 0 {
		t.Errorf("per workload crosses regions by design: %+v", p.Findings)
	}
}

func TestPerWorkloadKeepsSeveralIdentitiesOfOneServiceAccountApart(t *testing.T) {
	cat := twoRegions(1)
	cat.Needs = append(cat.Needs, need("aks-eastus", "team-00", "app", managed("id-vault")))
	p := mustPlan(t, cat, federation.State{}, &federation.PlanOptions{Topology: federation.PerWorkload(), Scope: "/subscriptions/s/resourceGroups/new"})
	var ids []string
	for _, id := range p.Identities {
		ids = append(ids, strings.TrimPrefix(id.ID, "/subscriptions/s/resourceGroups/new/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"))
	}
	if got := strings.Join(ids, " "); got != "id-team-00_app_id-app-00-eastus id-team-00_app_id-app-00-westeurope id-team-00_app_id-vault" {
		t.Errorf("identities: %s", got)
	}
}

func TestTopologyFuncDecidesByNeedAndCluster(t *testing.T) {
	perRegion := federation.TopologyFunc("per-region", func(n catalog.Need, c catalog.Cluster) catalog.Identity {
		return federation.ProposeIdentity("/subscriptions/s/resourceGroups/rg", "id-"+c.Region, n.Identity.TenantID)
	})
	p := mustPlan(t, twoRegions(3), federation.State{}, &federation.PlanOptions{Topology: perRegion})
	if p.Topology != "per-region" || len(p.Identities) != 2 || !p.Identities[0].Proposed {
		t.Errorf("%s: %+v", p.Topology, p.Identities)
	}
	if _, err := federation.ParseTopology("per-region"); err == nil {
		t.Error("a name that nobody knows must be refused")
	}
	for _, name := range []string{"keep", "per-workload", "per-cluster"} {
		if top, err := federation.ParseTopology(name); err != nil || top.Name != name {
			t.Errorf("%s: %v, %v", name, top.Name, err)
		}
	}
}
