package catalog_test

import (
	"fmt"

	"github.com/wimigrate/wimigrate/catalog"
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
