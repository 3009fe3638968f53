package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
)

// bound is a cluster with one application whose identity is given; "" leaves the binding out, "-" the service account too.
func bound(name, region, azure string) *catalogtest.Cluster {
	c := catalogtest.NewCluster(name, region).Namespace("shop")
	if azure == "-" {
		return c
	}
	c.Account("shop", "web", "")
	if azure != "" {
		c.Identity("shop", "web", azure).Binding("shop", "web", "web", "web").Workload("Deployment", "shop", "web", "web", catalogtest.Label("web"))
	}
	return c
}

func TestFleetRules(t *testing.T) {
	vain := func(c *catalogtest.Cluster) *catalogtest.Cluster {
		return c.Workload("Deployment", "shop", "web", "web", catalogtest.Label("web"))
	}
	const missing = "binding-missing-in-cluster shop AzureIdentityBinding/web"
	for _, tc := range []struct {
		name  string
		fleet []*catalogtest.Cluster
		want  []string
	}{
		{"regions may differ", []*catalogtest.Cluster{bound("a", "eastus", "east"), bound("b", "eastus", "east"), bound("c", "westeurope", "west")}, nil},
		{"the odd one of a region drifts", []*catalogtest.Cluster{bound("a", "eastus", "x"), bound("b", "eastus", "y"), bound("c", "eastus", "x")},
			[]string{"b warning identity-drift shop AzureIdentityBinding/web"}},
		{"regions are one in either spelling", []*catalogtest.Cluster{bound("a", "East US", "x"), bound("b", "eastus", "y"), bound("c", "eastus", "x")},
			[]string{"b warning identity-drift shop AzureIdentityBinding/web"}},
		{"in a tie the first by name is right", []*catalogtest.Cluster{bound("b", "eastus", "y"), bound("a", "eastus", "x")},
			[]string{"b warning identity-drift shop AzureIdentityBinding/web"}},
		{"in a tie the identity of the region is right", []*catalogtest.Cluster{bound("a", "eastus", "x"), bound("b", "eastus", "y").Edit(func(s *catalog.Snapshot) {
			s.ManagedIdentities = []catalog.ManagedIdentity{{ResourceID: catalogtest.ResourceID("y"), Location: "eastus"}}
		})}, []string{"a warning identity-drift shop AzureIdentityBinding/web"}},
		{"the client ID of an identity that was made anew is drift", []*catalogtest.Cluster{bound("a", "eastus", "x"), bound("b", "eastus", "x").Edit(func(s *catalog.Snapshot) {
			s.Identities[0].ClientID = catalogtest.ClientID("x before")
		})}, []string{"b warning identity-drift shop AzureIdentityBinding/web"}},
		{"a client ID left out is no drift", []*catalogtest.Cluster{bound("a", "eastus", "x"), bound("b", "eastus", "x").Edit(func(s *catalog.Snapshot) {
			s.Identities[0].ClientID = ""
		})}, nil},
		{"clusters of no known region do not drift", []*catalogtest.Cluster{bound("a", "", "x"), bound("b", "", "y")}, nil},
		{"a spelling of one identity is no drift", []*catalogtest.Cluster{bound("a", "eastus", "x"), bound("b", "eastus", "X").Edit(func(s *catalog.Snapshot) {
			s.Identities[0].ClientID = strings.ToUpper(catalogtest.ClientID("x"))
		})}, nil},
		{"most have it, and the service account is there", []*catalogtest.Cluster{bound("a", "r", "x"), bound("b", "r", "x"), bound("c", "r", "")},
			[]string{"c warning " + missing}},
		{"half have it", []*catalogtest.Cluster{bound("a", "r", "x"), bound("b", "r", "x"), bound("c", "s", ""), bound("d", "s", "")},
			[]string{"c warning " + missing, "d warning " + missing}},
		{"one of two has it", []*catalogtest.Cluster{bound("a", "r", "x"), bound("b", "s", "")}, []string{"b info " + missing}},
		{"a few have it", []*catalogtest.Cluster{bound("a", "r", "x"), bound("b", "r", ""), bound("c", "r", "")}, nil},
		{"most have it, and the application is not there at all", []*catalogtest.Cluster{bound("a", "r", "x"), bound("b", "r", "x"), bound("c", "r", "-")},
			[]string{"c info " + missing}},
		{"pods carry the label in vain", []*catalogtest.Cluster{bound("a", "r", "x"), vain(bound("b", "r", "")), bound("c", "r", "")},
			[]string{"b warning " + missing, "b error label-without-binding shop Deployment/web"}},
		{"none is missing where the move is done", []*catalogtest.Cluster{bound("a", "r", "x"), bound("b", "r", "x"),
			catalogtest.NewCluster("c", "r").Account("shop", "web", catalogtest.ClientID("x")).Workload("Deployment", "shop", "web", "web", catalogtest.Use())}, nil},
		{"none is missing while bindings are unread", []*catalogtest.Cluster{bound("a", "r", "x"), bound("b", "r", "x"), bound("c", "r", "").Edit(gap("azureidentitybindings.aadpodidentity.k8s.io"))},
			[]string{"c error coverage-gap  Read/azureidentitybindings.aadpodidentity.k8s.io"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, fleetLines(t, tc.fleet, nil)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func fleetLines(t *testing.T, fleet []*catalogtest.Cluster, opts *catalog.Options) []string {
	t.Helper()
	var snaps []*catalog.Snapshot
	for _, c := range fleet {
		snaps = append(snaps, c.Snapshot())
	}
	got, err := catalog.Reconcile(snaps, opts)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i, f := range got.Findings {
		out = append(out, f.Cluster+" "+lines(got.Findings)[i])
	}
	return out
}

func TestLogicalKeysJoinNamesThatCarryTheRegion(t *testing.T) {
	regional := func(name, region string, with bool) *catalogtest.Cluster {
		ns := "shop-" + region
		c := catalogtest.NewCluster(name, region).Account(ns, "web-"+region, "")
		if with {
			c.Identity(ns, "web", "web").Binding(ns, "web-"+region, "web", "web").Workload("Deployment", ns, "web", "web-"+region, catalogtest.Label("web"))
		}
		return c
	}
	fleet := []*catalogtest.Cluster{regional("a", "east", true), regional("b", "west", true), regional("c", "north", false)}
	if got := fleetLines(t, fleet, nil); got != nil {
		t.Errorf("by name nothing joins, but: %v", got)
	}
	opts := &catalog.Options{LogicalKey: func(c catalog.Cluster, k catalog.LogicalKey) catalog.LogicalKey {
		cut := func(s string) string { return strings.TrimSuffix(s, "-"+c.Region) }
		return catalog.LogicalKey{Namespace: cut(k.Namespace), Binding: cut(k.Binding), ServiceAccount: cut(k.ServiceAccount)}
	}}
	want := []string{"c warning binding-missing-in-cluster shop AzureIdentityBinding/web"}
	if diff := cmp.Diff(want, fleetLines(t, fleet, opts)); diff != "" {
		t.Error(diff)
	}
}

func TestAzureRules(t *testing.T) {
	exists := func(azure, client, location string) func(*catalog.Snapshot) {
		return func(s *catalog.Snapshot) {
			s.ManagedIdentitiesRead = true
			s.ManagedIdentities = append(s.ManagedIdentities, catalog.ManagedIdentity{ResourceID: capitals(catalogtest.ResourceID(azure)), ClientID: client, Location: location})
		}
	}
	runRules(t, []ruleCase{
		{"an identity that exists, in the cluster's region", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Edit(exists("shop-web", capitals(catalogtest.ClientID("shop-web")), "East US"))
		}, nil},
		{"an identity that does not", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Edit(exists("other", catalogtest.ClientID("other"), "eastus"))
		}, []string{"error identity-gone shop AzureIdentity/web"}},
		{"an identity made again", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Edit(exists("shop-web", catalogtest.GUID("new"), "eastus"))
		}, []string{"error identity-gone shop AzureIdentity/web"}},
		{"an identity of another region", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Edit(exists("shop-web", catalogtest.ClientID("shop-web"), "westeurope"))
		}, []string{"warning cross-region-identity shop AzureIdentity/web"}},
		{"nothing is gone where nobody looked", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Edit(exists("other", catalogtest.ClientID("other"), "eastus")).Edit(func(s *catalog.Snapshot) { s.ManagedIdentitiesRead = false })
		}, nil},
	})
}

func TestReconcileIsLinearEnough(t *testing.T) {
	c := catalogtest.NewCluster("a", "eastus")
	for i := range 20_000 {
		c.Workload("Deployment", "shop", fmt.Sprintf("web-%05d", i), fmt.Sprintf("web-%05d", i), catalogtest.Label(fmt.Sprintf("x%05d", i)))
	}
	for i := range 20_000 {
		c.Edit(func(s *catalog.Snapshot) {
			s.Bindings = append(s.Bindings, catalog.AzureIdentityBinding{Meta: catalog.Meta{Namespace: "shop", Name: fmt.Sprintf("b-%05d", i)}, AzureIdentity: "none", Selector: fmt.Sprintf("y%05d", i)})
		})
	}
	got, err := catalog.Reconcile([]*catalog.Snapshot{c.Snapshot()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := got.Counts().ByCode[catalog.LabelWithoutBinding]; n != 20_000 {
		t.Errorf("%d labels without binding", n)
	}
}
