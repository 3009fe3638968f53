package cutover_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

// shop is a catalog with one workload that can move and one that cannot, and the trust that both need.
func shop() (*catalog.Catalog, *federation.Plan) {
	const wi = "https://eastus.oic.prod-aks.azure.com/t/g/"
	need := func(account, kind string) catalog.Need {
		return catalog.Need{Cluster: "aks-eastus-01", Namespace: "payments", ServiceAccount: account, Bindings: []string{account}, Selector: account,
			Identity:  catalog.Identity{Kind: catalog.UserAssigned, Name: account, ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + account, ClientID: "id-of-" + account, TenantID: "t"},
			Workloads: []catalog.WorkloadRef{{APIVersion: "apps/v1", Kind: kind, Name: account}}, State: catalog.StatePodIdentity}
	}
	cat := &catalog.Catalog{
		Clusters: []catalog.Cluster{{Name: "aks-eastus-01", Region: "eastus", Issuer: wi, PodIdentityMode: catalog.ModeManaged, Coverage: catalog.Coverage{Complete: true}}},
		Needs:    []catalog.Need{need("api", "Deployment"), need("ledger", "StatefulSet")},
		Findings: []catalog.Finding{{Code: catalog.ImmutableSelector, Severity: catalog.Blocking, Cluster: "aks-eastus-01", Namespace: "payments",
			Object: "StatefulSet/ledger", Message: "spec.selector contains aadpodidbinding", Remedy: "create it anew"}},
	}
	todo, err := federation.NewPlan(cat, federation.State{}, nil)
	if err != nil {
		panic(err)
	}
	done, err := federation.NewPlan(cat, todo.After(federation.State{}), nil)
	if err != nil {
		panic(err)
	}
	return cat, done
}

func ExamplePlan_Show() {
	plan, err := cutover.NewPlan(shopCatalog(), shopTrust(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	plan.Digest = "0123456789abcdef" // the true one follows every change of the plan
	if err := plan.Show(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Cutover plan: 1 unit in 1 wave; 1 blocked. Digest 0123456789ab.
	//
	// Wave "canary"
	//   aks-eastus-01/payments/api  direct  Deployment/api  8 writes  soak 24h
	//
	// Blocked
	//   aks-eastus-01/payments ledger
	//     immutable-selector: spec.selector contains aadpodidbinding
	//       → create it anew
}

func shopCatalog() *catalog.Catalog { cat, _ := shop(); return cat }
func shopTrust() *federation.Plan   { _, fed := shop(); return fed }

func TestShowEscapesHostileNames(t *testing.T) {
	p := &cutover.Plan{Waves: []cutover.Wave{{Name: "evil\x1b[2Jwave"}}, Blocked: []cutover.Blocked{{Cluster: "c\u202edecrolc", Namespace: "n"}}}
	var b bytes.Buffer
	if err := p.Show(&b); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\u202e") {
		t.Errorf("%q", b.String())
	}
}

func ExamplePlan_RBAC() {
	plan, err := cutover.NewPlan(shopCatalog(), shopTrust(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	manifest, err := plan.RBAC("aks-eastus-01", nil)
	for line := range strings.SplitSeq(string(manifest), "\n") {
		if strings.HasPrefix(line, "kind:") {
			fmt.Println(line)
		}
	}
	fmt.Println(err)
	// Output:
	// kind: ClusterRole
	// kind: ClusterRoleBinding
	// kind: Role
	// kind: RoleBinding
	// kind: Role
	// kind: RoleBinding
	// <nil>
}

func TestRBACGrantsOnlyWhatThePlanWrites(t *testing.T) {
	plan, err := cutover.NewPlan(shopCatalog(), shopTrust(), nil)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := plan.RBAC("aks-eastus-01", nil)
	if err != nil {
		t.Fatal(err)
	}
	writes := map[string]bool{}
	for doc := range strings.SplitSeq(string(manifest), "---\n") {
		var role struct {
			Kind     string
			Metadata struct{ Namespace string }
			Rules    []struct{ Resources, Verbs []string }
		}
		if err := yaml.Unmarshal([]byte(doc), &role); err != nil {
			t.Fatal(err)
		}
		for _, r := range role.Rules {
			for _, v := range r.Verbs {
				if v == "*" || r.Resources[0] == "*" || r.Resources[0] == "secrets" {
					t.Errorf("%s grants %s on %s", role.Kind, v, r.Resources[0])
				}
				if v == "patch" || v == "delete" {
					writes[role.Metadata.Namespace+" "+v+" "+r.Resources[0]] = true
				}
			}
		}
	}
	want := []string{"payments delete azureidentities", "payments delete azureidentitybindings", "payments patch azureidentities",
		"payments patch azureidentitybindings", // to fence off a deletion that another runner has begun
		"payments patch deployments", "payments patch serviceaccounts",
		"wimigrate patch configmaps", "wimigrate patch leases"}
	for _, w := range want {
		if !writes[w] {
			t.Errorf("%s is not granted", w)
		}
		delete(writes, w)
	}
	if len(writes) > 0 {
		t.Errorf("granted beyond the plan: %v", writes)
	}
	if _, err := plan.RBAC("another", nil); err == nil {
		t.Error("a cluster that the plan does not know has a manifest")
	}
}
