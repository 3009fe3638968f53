package catalog_test

import (
	"fmt"
	"os"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
)

func catalogOfFleet() *catalog.Catalog {
	cat, err := catalog.Reconcile(fleet(), nil)
	if err != nil {
		panic(err)
	}
	return cat
}

func ExampleCatalog_ByCluster() {
	for cluster, needs := range catalogOfFleet().ByCluster() {
		fmt.Println(cluster.Name, cluster.Region, len(needs))
	}
	// Output:
	// aks-eastus-01 eastus 1
	// aks-eastus-02 eastus 1
	// aks-westeurope-01 westeurope 1
}

func ExampleCatalog_ByNamespace() {
	for place, needs := range catalogOfFleet().ByNamespace() {
		fmt.Println(place.Cluster, place.Namespace, len(needs))
	}
	// Output:
	// aks-eastus-01 shop 1
	// aks-eastus-02 shop 1
	// aks-westeurope-01 shop 1
}

func ExampleCatalog_ByIdentity() {
	for identity, needs := range catalogOfFleet().ByIdentity() {
		fmt.Println(identity.Name, "is used in", len(needs), "clusters")
	}
	// Output:
	// orders is used in 3 clusters
}

func ExampleCatalog_ByWorkload() {
	for workload, needs := range catalogOfFleet().ByWorkload() {
		fmt.Println(workload.Cluster, workload.Namespace, workload.Kind, workload.Name, needs[0].Identity.Name)
	}
	// Output:
	// aks-eastus-01 shop Deployment orders orders
	// aks-eastus-02 shop Deployment orders orders
	// aks-westeurope-01 shop Deployment orders orders
}

func ExampleCatalog_Matrix() {
	m := catalogOfFleet().Matrix(nil)
	fmt.Println(m.Clusters)
	for _, row := range m.Rows {
		fmt.Print(row.Namespace, "/", row.Binding, " (", row.ServiceAccount, ")")
		for _, cell := range row.Cells {
			fmt.Print("  ", cell[0].Identity.Name)
		}
		fmt.Println()
	}
	// Output:
	// [aks-eastus-01 aks-eastus-02 aks-westeurope-01]
	// shop/orders-binding (orders)  orders  orders  orders
}

func ExampleCatalog_Counts() {
	n := catalogOfFleet().Counts()
	fmt.Println(n.Needs, "needs,", n.Identities, "identity,", n.BySeverity[catalog.Error], "errors,", n.ByState[catalog.StatePodIdentity], "on Pod Identity")
	// Output:
	// 3 needs, 1 identity, 2 errors, 3 on Pod Identity
}

func ExampleCatalog_Complete() {
	fmt.Println(catalogOfFleet().Complete())
	// Output:
	// true
}

// The second cluster of eastus was given another identity by hand, and the binding was never mirrored to the third.
func ExampleMatrix_WriteText() {
	with := func(name, identity string) *catalog.Snapshot {
		return catalogtest.NewCluster(name, "eastus").Account("shop", "web", "").Identity("shop", "web", identity).
			Binding("shop", "web", "web", "web").Workload("Deployment", "shop", "web", "web", catalogtest.Label("web")).Snapshot()
	}
	without := catalogtest.NewCluster("east-3", "eastus").Account("shop", "web", "").Snapshot()
	cat, _ := catalog.Reconcile([]*catalog.Snapshot{with("east-1", "orders"), with("east-2", "hotfix"), without}, nil)
	if err := cat.Matrix(nil).WriteText(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// NAMESPACE  BINDING  SERVICE ACCOUNT  east-1  east-2  east-3
	// shop       web      web              A       B       .
}

func ExampleMatrix_WriteMarkdown() {
	if err := catalogOfFleet().Matrix(nil).WriteMarkdown(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// | Namespace | Binding | Service account | aks-eastus-01 | aks-eastus-02 | aks-westeurope-01 |
	// |---|---|---|---|---|---|
	// | shop | orders-binding | orders | A | A | A |
}

// A gap in CronJobs leaves what is known of service accounts alone.
func ExampleCoverage_Knows() {
	c := catalog.Coverage{Gaps: []catalog.Gap{{Resource: "cronjobs.batch", Reason: "forbidden"}}}
	fmt.Println(c.Knows("serviceaccounts"), c.Knows("deployments.apps"))
	// Output:
	// true false
}
