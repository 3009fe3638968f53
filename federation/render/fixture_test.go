package render_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/render"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	subscription1 = "5a1e0000-0000-4000-8000-000000000001"
	subscription2 = "5a1e0000-0000-4000-8000-000000000002"
	tenantID      = "7e4a0000-0000-4000-8000-00000000000a"
)

func clusterNamed(name, region string, n int) catalog.Cluster {
	return catalog.Cluster{
		Name: name, Region: region,
		ResourceID: "/subscriptions/" + subscription1 + "/resourceGroups/rg-" + region + "/providers/Microsoft.ContainerService/managedClusters/" + name,
		Issuer:     fmt.Sprintf("https://%s.oic.prod-aks.azure.com/%s/c1a50000-0000-4000-8000-%012d/", region, tenantID, n),
		Coverage:   catalog.Coverage{Complete: true},
	}
}

func managed(name, subscription string, n int) catalog.Identity {
	return catalog.Identity{
		Kind: catalog.UserAssigned, Name: name, ClientID: fmt.Sprintf("c11e0000-0000-4000-8000-%012d", n), TenantID: tenantID,
		ResourceID: "/subscriptions/" + subscription + "/resourceGroups/rg-identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-" + name,
	}
}

// fleet is two clusters, three identities of two subscriptions, an app registration, and workloads of every kind.
func fleet() *catalog.Catalog {
	east, west := clusterNamed("aks-eastus-01", "eastus", 1), clusterNamed("aks-westeurope-01", "westeurope", 2)
	payments, reports := managed("payments", subscription1, 1), managed("reports", subscription2, 2)
	legacy := catalog.Identity{Kind: catalog.Application, Name: "legacy", ClientID: "a4400000-0000-4000-8000-000000000003", TenantID: tenantID}
	deploy := func(name string) catalog.WorkloadRef {
		return catalog.WorkloadRef{APIVersion: "apps/v1", Kind: "Deployment", Name: name}
	}
	need := func(c catalog.Cluster, namespace, account string, id catalog.Identity, w ...catalog.WorkloadRef) catalog.Need {
		return catalog.Need{Cluster: c.Name, Namespace: namespace, ServiceAccount: account, Identity: id, Workloads: w, State: catalog.StatePodIdentity}
	}
	return &catalog.Catalog{
		Clusters: []catalog.Cluster{east, west},
		Needs: []catalog.Need{
			need(east, "payments", "api", payments, deploy("api"), catalog.WorkloadRef{APIVersion: "batch/v1", Kind: "CronJob", Name: "settle"}),
			need(east, "reports", "default", reports, catalog.WorkloadRef{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "reports"}),
			need(east, "reports", "legacy", legacy, catalog.WorkloadRef{APIVersion: "v1", Kind: "Pod", Name: "legacy-0"}),
			need(west, "payments", "api", payments, deploy("api"), catalog.WorkloadRef{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout", Name: "api"}),
			need(west, "payments", "new", payments, catalog.WorkloadRef{APIVersion: "example.com/v1", Kind: "Machine", Name: "m"}),
		},
		Findings: []catalog.Finding{{Code: catalog.MissingServiceAccount, Cluster: west.Name, Namespace: "payments", Object: "ServiceAccount/new"}},
	}
}

// state: one credential is there under our name with an old issuer, one under a name that a person chose.
func state(cat *catalog.Catalog) federation.State {
	east := cat.Clusters[0]
	return federation.State{
		cat.Needs[0].Identity.Key(): {
			{Name: federation.CredentialName("", east.Name, "payments", "api"), Issuer: "https://old.example.com/", Subject: federation.Subject("payments", "api"), Audience: federation.DefaultAudience},
		},
		cat.Needs[1].Identity.Key(): {
			{Name: "by-hand", Issuer: east.Issuer, Subject: federation.Subject("reports", "default"), Audience: federation.DefaultAudience},
		},
	}
}

func planOf(t testing.TB, cat *catalog.Catalog, have federation.State, opts *federation.PlanOptions) *federation.Plan {
	t.Helper()
	plan, err := federation.NewPlan(cat, have, opts)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func issuersOf(cat *catalog.Catalog) map[string]string {
	out := map[string]string{}
	for _, c := range cat.Clusters {
		out[c.Name] = c.Issuer
	}
	return out
}

// golden compares a set of files with testdata/NAME.txt, in which they stand one after the other.
func golden(t *testing.T, name string, files render.Files) {
	t.Helper()
	var got bytes.Buffer
	for _, p := range files.Paths() {
		fmt.Fprintf(&got, "-- %s --\n%s", p, files[p])
	}
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(file, got.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// reasons returns what was left out as "object: reason", or fails on any other error.
func reasons(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	left, ok := errors.AsType[*render.LeftOutError](err)
	if !ok {
		t.Fatal(err)
	}
	var out []string
	for _, item := range left.Items {
		out = append(out, item.Object+": "+item.Reason)
	}
	return out
}

// withoutApplications is what formats for managed identities give back.
func withoutApplications(all []render.Trust) []render.Trust {
	var out []render.Trust
	for _, t := range all {
		if strings.HasPrefix(t.Identity, "/") {
			out = append(out, t)
		}
	}
	return out
}
