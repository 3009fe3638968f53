package federation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// issuer has the shape of an issuer that AKS hosts.
func issuer(region string, n int) string {
	return fmt.Sprintf("https://%s.oic.prod-aks.azure.com/11111111-2222-3333-4444-555555555555/00000000-0000-0000-0000-%012x/", region, n)
}

func cluster(name, region string, n int) catalog.Cluster {
	return catalog.Cluster{Name: name, Region: region, Issuer: issuer(region, n), Coverage: catalog.Coverage{Complete: true}}
}

const resourceGroup = "/subscriptions/aaaaaaaa-0000-0000-0000-000000000001/resourceGroups/rg-id"

func managed(name string) catalog.Identity {
	return catalog.Identity{Kind: catalog.UserAssigned, Name: name, ClientID: "c-" + name, TenantID: "11111111-2222-3333-4444-555555555555",
		ResourceID: resourceGroup + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + name}
}

func application(clientID string) catalog.Identity {
	return catalog.Identity{Kind: catalog.Application, Name: "app", ClientID: clientID, TenantID: "11111111-2222-3333-4444-555555555555"}
}

func need(cluster, namespace, account string, id catalog.Identity) catalog.Need {
	return catalog.Need{Cluster: cluster, Namespace: namespace, ServiceAccount: account, Identity: id, State: catalog.StatePodIdentity}
}

// small is a fleet of two regions: one identity per region for payments, one shared application, one account in one region only.
func small() *catalog.Catalog {
	return &catalog.Catalog{
		Clusters: []catalog.Cluster{cluster("aks-eastus", "eastus", 1), cluster("aks-westeurope", "westeurope", 2)},
		Needs: []catalog.Need{
			need("aks-eastus", "payments", "api", managed("id-payments-eastus")),
			need("aks-westeurope", "payments", "api", managed("id-payments-westeurope")),
			need("aks-eastus", "reports", "writer", application("99999999-0000-0000-0000-000000000009")),
			need("aks-westeurope", "reports", "writer", application("99999999-0000-0000-0000-000000000009")),
			need("aks-eastus", "batch", "nightly", managed("id-batch")),
		},
	}
}

func mustPlan(t *testing.T, cat *catalog.Catalog, have federation.State, opts *federation.PlanOptions) *federation.Plan {
	t.Helper()
	p, err := federation.NewPlan(cat, have, opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// lines renders changes in one line each.
func lines(p *federation.Plan) []string {
	var out []string
	for _, c := range p.Changes {
		id := c.Identity[strings.LastIndexByte(c.Identity, '/')+1:]
		out = append(out, fmt.Sprintf("%s %s %s %s/%s/%s", c.Action, id, c.Credential.Name, c.Cluster, c.Namespace, c.ServiceAccount))
	}
	return out
}
