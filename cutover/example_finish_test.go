package cutover_test

import (
	"context"
	"fmt"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// While anything needs Pod Identity, or could not be read, there is no plan to remove it.
func ExampleFindLeftovers() {
	fleet := cutovertest.New(nil)
	cluster := fleet.AddCluster("aks-eastus-01", "eastus", 3)
	cluster.Deploy(cutovertest.App{Namespace: "shop", Name: "web", Replicas: -1})
	left, err := cutover.FindLeftovers(context.Background(), cluster, "aks-eastus-01", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range left.Objects {
		fmt.Println(o.Role, o.Object)
	}
	_, err = left.Removal()
	fmt.Println(err)
	// Output:
	// binding AzureIdentityBinding/shop-web-binding
	// identity AzureIdentity/shop-web
	// cutover: Pod Identity stays in cluster aks-eastus-01: Deployment/web in namespace shop needs it: its pod template carries aadpodidbinding=shop-web
}

// Nothing is deleted but what was reviewed.
func ExampleRemove() {
	fleet := cutovertest.New(nil)
	cluster := fleet.AddCluster("aks-eastus-01", "eastus", 3)
	left, err := cutover.FindLeftovers(context.Background(), cluster, "aks-eastus-01", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	removal, err := left.Removal()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range removal.Manual {
		fmt.Println(m)
	}
	_, err = cutover.Remove(context.Background(), cluster, removal, nil)
	fmt.Println(err)
	// Output:
	// look yourself: pod templates inside custom resources other than Argo Rollouts; the catalog finds them
	// look yourself: role assignments: Managed Identity Operator and Virtual Machine Contributor of the nodes' identity, which MIC needed, are in ARM and not in the cluster
	// cutover: the removal is not approved: pass the digest of the one that was reviewed, and a function that saves what is deleted
}
