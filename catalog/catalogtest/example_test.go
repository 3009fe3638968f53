package catalogtest_test

import (
	"fmt"
	"os"
	"slices"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
)

func ExampleNewCluster() {
	c := catalogtest.NewCluster("aks-1", "eastus").App("shop", "orders").
		Workload("CronJob", "shop", "report", "orders", catalogtest.Label("shop-orders"))
	cat, err := catalog.Reconcile([]*catalog.Snapshot{c.Snapshot()}, nil)
	fmt.Println(cat.Needs[0].Workloads, cat.Findings[0].Code, err)
	// Output:
	// [CronJob/report Deployment/orders] not-running <nil>
}

// A cluster as text can be read back through the file source.
func ExampleManifests() {
	files := catalogtest.Manifests(catalogtest.NewCluster("aks-1", "eastus").App("shop", "orders").Snapshot())
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Println(names)
	fmt.Print(string(files["azureidentitybindings.yaml"].Data))
	// Output:
	// [azureidentities.yaml azureidentitybindings.yaml namespaces.yaml serviceaccounts.yaml workloads/deployment.yaml]
	// apiVersion: v1
	// items:
	// - apiVersion: aadpodidentity.k8s.io/v1
	//   kind: AzureIdentityBinding
	//   metadata:
	//     name: orders-binding
	//     namespace: shop
	//   spec:
	//     azureIdentity: orders
	//     selector: shop-orders
	// kind: List
}

// A random fleet knows its truth, so that anything that reads fleets can be put to the test.
func ExampleRandom() {
	fleet := catalogtest.Random(42, &catalogtest.RandomOptions{Namespaces: 10})
	cat, err := catalog.Reconcile(catalogtest.Shuffled(fleet.Snapshots, 1), nil)
	fmt.Println(len(fleet.Snapshots), "clusters, differences:", fleet.Truth.Check(cat), err)
	// Output:
	// 6 clusters, differences: [] <nil>
}

func ExampleSmall() {
	cat, _ := catalog.Reconcile(catalogtest.Small().Snapshots, nil)
	fmt.Println(len(cat.Counts().ByCode), "codes")
	// Output:
	// 32 codes
}

// A fleet on disk is what a fleet file and folders of dumps look like.
func ExampleFleet_Write() {
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file, err := catalogtest.Random(42, nil).Write(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	fleet, err := catalog.LoadFleet(file)
	fmt.Println(len(fleet.Clusters), fleet.Clusters[0].Name, err)
	// Output:
	// 6 aks-eastus-01 <nil>
}

func ExampleShuffled() {
	fleet := catalogtest.Small()
	shuffled := catalogtest.Shuffled(fleet.Snapshots, 3)
	fmt.Println(len(shuffled) == len(fleet.Snapshots))
	// Output:
	// true
}
