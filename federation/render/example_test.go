package render_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/render"
)

// smallPlan is the plan of a fleet with one cluster, one identity and one service account.
func smallPlan() (*federation.Plan, *catalog.Catalog) {
	const subscription = "/subscriptions/5a1e0000-0000-4000-8000-000000000001/resourceGroups/rg"
	cat := &catalog.Catalog{
		Clusters: []catalog.Cluster{{
			Name: "aks-eastus-01", Region: "eastus", Issuer: "https://eastus.oic.prod-aks.azure.com/0b1f6471-1bf0-4dda-aec3-cb9272f09590/11111111-2222-4333-8444-555555555555/",
			ResourceID: subscription + "/providers/Microsoft.ContainerService/managedClusters/aks-eastus-01",
		}},
		Needs: []catalog.Need{{
			Cluster: "aks-eastus-01", Namespace: "shop", ServiceAccount: "cart",
			Identity: catalog.Identity{
				Kind: catalog.UserAssigned, Name: "cart", ClientID: "c11e0000-0000-4000-8000-000000000001",
				ResourceID: subscription + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-cart",
			},
			Workloads: []catalog.WorkloadRef{{APIVersion: "apps/v1", Kind: "Deployment", Name: "cart"}},
		}},
	}
	plan, err := federation.NewPlan(cat, nil, nil)
	if err != nil {
		panic(err)
	}
	return plan, cat
}

func ExampleTerraform() {
	plan, cat := smallPlan()
	files, err := render.Terraform(plan, cat, &render.TerraformOptions{Issuer: render.FromResource})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", files["clusters/aks-eastus-01/federation.tf"])
	// Output:
	// # Rendered by wimigrate from a federation plan. Do not edit: render again. This is cluster aks-eastus-01.
	//
	// resource "azurerm_federated_identity_credential" "id-cart_wimigrate-aks-eastus-01_shop_cart" {
	//   name                      = "wimigrate-aks-eastus-01_shop_cart"
	//   user_assigned_identity_id = "/subscriptions/5a1e0000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-cart"
	//   audience                  = ["api://AzureADTokenExchange"]
	//   issuer                    = azurerm_kubernetes_cluster.aks-eastus-01.oidc_issuer_url
	//   subject                   = "system:serviceaccount:shop:cart"
	// }
}

func ExampleReadTerraform() {
	plan, cat := smallPlan()
	files, err := render.Terraform(plan, cat, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	issuers := map[string]string{"aks-eastus-01": "https://issuer-after-the-rebuild.example.com/"}
	granted, err := render.ReadTerraform(files, issuers, nil)
	fmt.Println(granted[0].Credential.Subject, granted[0].Credential.Issuer, err)
	// Output:
	// system:serviceaccount:shop:cart https://issuer-after-the-rebuild.example.com/ <nil>
}

func ExampleASO() {
	plan, cat := smallPlan()
	files, err := render.ASO(plan, cat, &render.ASOOptions{Namespace: "azure"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", files["clusters/aks-eastus-01/federatedidentitycredentials.yaml"])
	// Output:
	// # Rendered by wimigrate from a federation plan. Do not edit: render again.
	// # This is cluster aks-eastus-01.
	// apiVersion: managedidentity.azure.com/v1api20230131
	// kind: FederatedIdentityCredential
	// metadata:
	//   annotations:
	//     serviceoperator.azure.com/reconcile-policy: detach-on-delete
	//   name: id-cart-wimigrate-aks-eastus-01-shop-cart-e0b5c0dbc8
	//   namespace: azure
	// spec:
	//   audiences:
	//   - api://AzureADTokenExchange
	//   azureName: wimigrate-aks-eastus-01_shop_cart
	//   issuerFromConfig:
	//     key: issuer
	//     name: aks-eastus-01-oidc
	//   owner:
	//     armId: /subscriptions/5a1e0000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-cart
	//   subject: system:serviceaccount:shop:cart
}

func ExampleReadYAML() {
	plan, cat := smallPlan()
	files, err := render.ASO(plan, cat, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	granted, err := render.ReadYAML(files, map[string]string{"aks-eastus-01": "https://oidc.example.com/"}, nil)
	fmt.Println(granted[0].Cluster, granted[0].Credential.Issuer, err)
	// Output:
	// aks-eastus-01 https://oidc.example.com/ <nil>
}

func ExampleCrossplane() {
	plan, cat := smallPlan()
	files, err := render.Crossplane(plan, cat, nil)
	fmt.Println(files.Paths(), err)
	// Output:
	// [clusters/aks-eastus-01/composition.yaml clusters/aks-eastus-01/kustomization.yaml definition/clustertrusts.yaml definition/kustomization.yaml] <nil>
}

func ExampleBicep() {
	plan, cat := smallPlan()
	files, err := render.Bicep(plan, cat, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, path := range files.Paths() {
		fmt.Println(path)
	}
	// Output:
	// identities/id-cart-09b139bd68/identity.bicep
	// identities/id-cart-09b139bd68/main.bicep
}

func ExampleScript() {
	plan, cat := smallPlan()
	files, err := render.Script(plan, cat, &render.ScriptOptions{Layout: render.PerCluster})
	fmt.Println(files.Paths(), err)
	// Output:
	// [clusters/aks-eastus-01/trust.sh] <nil>
}

func ExampleKustomize() {
	plan, cat := smallPlan()
	files, err := render.Kustomize(plan, cat, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", files["clusters/aks-eastus-01/shop/deployment-cart.yaml"])
	// Output:
	// # Rendered by wimigrate from a federation plan. Do not edit: render again.
	// # This is namespace shop of cluster aks-eastus-01.
	// apiVersion: apps/v1
	// kind: Deployment
	// metadata:
	//   name: cart
	//   namespace: shop
	// spec:
	//   template:
	//     metadata:
	//       labels:
	//         azure.workload.identity/use: "true"
}

func ExampleArgoCD() {
	plan, cat := smallPlan()
	trust, err := render.ASO(plan, cat, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	files, err := render.ArgoCD(trust, render.ArgoCDOptions{RepoURL: "https://git.example.com/fleet.git"})
	fmt.Println(files.Paths(), err)
	// Output:
	// [argocd/federation-clusters-aks-eastus-01.yaml argocd/kustomization.yaml] <nil>
}

func ExampleFlux() {
	plan, cat := smallPlan()
	trust, err := render.ASO(plan, cat, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	files, err := render.Flux(trust, nil)
	fmt.Println(files.Paths(), err)
	// Output:
	// [flux/federation-clusters-aks-eastus-01.yaml flux/kustomization.yaml] <nil>
}

func ExampleWrite() {
	dir, err := os.MkdirTemp("", "gitops")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	plan, cat := smallPlan()
	files, _ := render.Terraform(plan, cat, nil)
	for range 2 {
		done, err := render.Write(dir, files, nil)
		fmt.Println(len(done.Changed), len(done.Unchanged), err)
	}
	// A file of somebody else is never overwritten.
	_ = os.WriteFile(dir+"/main.tf", []byte("# by hand\n"), 0o600)
	_, err = render.Write(dir, render.Files{"main.tf": []byte("x")}, nil)
	_, foreign := errors.AsType[*render.ForeignFileError](err)
	fmt.Println(foreign)
	// Output:
	// 3 0 <nil>
	// 0 3 <nil>
	// true
}

func ExampleWanted() {
	plan, _ := smallPlan()
	for _, t := range render.Wanted(plan) {
		fmt.Println(t.Cluster, t.Credential.Name)
	}
	// Output:
	// aks-eastus-01 wimigrate-aks-eastus-01_shop_cart
}

func ExampleMerge() {
	plan, cat := smallPlan()
	terraform, _ := render.Terraform(plan, cat, nil)
	apps, _ := render.Kustomize(plan, cat, nil)
	files, err := render.Merge(terraform.Under("terraform"), apps.Under("kubernetes"))
	fmt.Println(len(files), err)
	// Output:
	// 6 <nil>
}

func ExampleLoad() {
	files, err := render.Load(os.DirFS("testdata"))
	fmt.Println(len(files) > 0, err)
	// Output:
	// true <nil>
}

func ExampleClusterFolder() {
	fmt.Println(render.ClusterFolder("aks-eastus-01"))
	fmt.Println(render.ClusterFolder("../AKS East"))
	// Output:
	// clusters/aks-eastus-01
	// clusters/aks-east-9b6f0b8123
}
