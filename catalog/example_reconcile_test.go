package catalog_test

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
)

// fleet is two clusters of one region and one of another; someone fixed orders in the second by hand.
func fleet() []*catalog.Snapshot {
	one := catalogtest.NewCluster("aks-eastus-01", "eastus").App("shop", "orders")
	two := catalogtest.NewCluster("aks-eastus-02", "eastus").App("shop", "orders").
		Workload("CronJob", "shop", "report", "reports", catalogtest.Label("shop-order"))
	three := catalogtest.NewCluster("aks-westeurope-01", "westeurope").App("shop", "orders")
	return []*catalog.Snapshot{one.Snapshot(), two.Snapshot(), three.Snapshot()}
}

func ExampleReconcile() {
	cat, err := catalog.Reconcile(fleet(), nil)
	if err != nil {
		fmt.Println(err)
	}
	for _, n := range cat.Needs {
		fmt.Println(n.Cluster, n.Namespace, n.ServiceAccount, n.Identity.Name, n.State, n.Workloads)
	}
	for _, f := range cat.Findings {
		fmt.Println(f.Severity, f.Code, f.Cluster, f.Namespace, f.Object)
		fmt.Println("  ", f.Message)
		fmt.Println("  ", f.Remedy)
	}
	// Output:
	// aks-eastus-01 shop orders orders podIdentity [Deployment/orders]
	// aks-eastus-02 shop orders orders podIdentity [Deployment/orders]
	// aks-westeurope-01 shop orders orders podIdentity [Deployment/orders]
	// error label-without-binding aks-eastus-02 shop CronJob/report
	//    no binding selects "shop-order", so the pods get no identity
	//    a typing error? the nearest selector is "shop-orders"; correct the label, or remove it
	// error missing-service-account aks-eastus-02 shop ServiceAccount/reports
	//    CronJob/report run as it, and it does not exist
	//    create the service account; the webhook refuses pods without one
	// warning not-running aks-eastus-02 shop CronJob/report
	//    the CronJob has pods only while it runs; the soak must cover its next run
	//    move the template; it counts as verified only after it ran
}

// Names that carry the region join under the name that the fleet gives them.
func ExampleReconcile_logicalKey() {
	regional := func(name, region string) *catalog.Snapshot {
		return catalogtest.NewCluster(name, region).App("shop-"+region, "orders").Snapshot()
	}
	without := catalogtest.NewCluster("aks-3", "north").Account("shop-north", "orders", "").Snapshot()
	cat, err := catalog.Reconcile([]*catalog.Snapshot{regional("aks-1", "east"), regional("aks-2", "west"), without}, &catalog.Options{
		LogicalKey: func(c catalog.Cluster, k catalog.LogicalKey) catalog.LogicalKey {
			k.Namespace = strings.TrimSuffix(k.Namespace, "-"+c.Region)
			return k
		},
	})
	fmt.Println(cat.Findings[0].Code, cat.Findings[0].Cluster, cat.Findings[0].Object, err)
	// Output:
	// binding-missing-in-cluster aks-3 AzureIdentityBinding/orders-binding <nil>
}

// Two snapshots of one name cannot both be that cluster; neither is trusted, and the rest goes on.
func ExampleClusterError() {
	copied := catalogtest.NewCluster("aks-eastus-01", "eastus").Edit(func(s *catalog.Snapshot) { s.Origin = "old-dumps" }).Snapshot()
	original := fleet()[0]
	original.Origin = "dumps"
	cat, err := catalog.Reconcile([]*catalog.Snapshot{original, copied, fleet()[2]}, nil)
	if unclear, ok := errors.AsType[*catalog.ClusterError](err); ok {
		fmt.Println(unclear.Cluster, unclear.Origins, errors.Is(err, catalog.ErrDuplicateCluster))
	}
	fmt.Println(len(cat.Needs), "need,", "complete:", cat.Complete())
	// Output:
	// aks-eastus-01 [dumps old-dumps] true
	// 1 need, complete: false
}

func ExampleRules() {
	for _, r := range catalog.Rules()[:2] {
		fmt.Printf("%s (%s): %s. Remedy: %s.\n", r.Code, r.Severity, r.Meaning, r.Remedy)
	}
	// Output:
	// not-running (warning): a labelled workload has no pods to prove a change on. Remedy: move the template; it counts as verified only after it ran.
	// custom-workload (warning): a labelled pod template lies in a custom resource. Remedy: change it at the path named, and check its rollout by hand.
}

func ExampleSeverity_Rank() {
	for _, s := range catalog.Severities() {
		fmt.Println(s, s.Rank())
	}
	// Output:
	// info 0
	// warning 1
	// error 2
	// blocking 3
}

func ExampleCatalog_WriteText() {
	cat, _ := catalog.Reconcile(fleet()[:1], nil)
	if err := cat.WriteText(os.Stdout, nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// CLUSTER        REGION  MODE      NEEDS  FINDINGS  COVERAGE
	// aks-eastus-01  eastus  standard      1         0  complete
	//
	// CLUSTER        NAMESPACE  SERVICE ACCOUNT  IDENTITY  STATE        WORKLOADS
	// aks-eastus-01  shop       orders           orders    podIdentity  Deployment/orders
	//
	// 1 cluster, 1 need of 1 service account: 1 on Pod Identity, 0 on both, 0 on Workload Identity. 0 findings: 0 blocking, 0 errors, 0 warnings, 0 info.
}

func ExampleCatalog_WriteJSON() {
	cat, _ := catalog.Reconcile([]*catalog.Snapshot{catalogtest.NewCluster("aks-1", "eastus").Snapshot()}, nil)
	if err := cat.WriteJSON(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {
	//   "clusters": [
	//     {
	//       "name": "aks-1",
	//       "region": "eastus",
	//       "resourceID": "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/clusters/providers/Microsoft.ContainerService/managedClusters/aks-1",
	//       "issuer": "https://eastus.oic.prod-aks.azure.com/72f988bf-0000-4000-8000-2d7cd011db47/7285adf4-b2ad-4d10-8e00-170f8847858c/",
	//       "uid": "2332e0d1-7931-4dc0-8b60-85f290d84ca2",
	//       "podIdentityMode": "none",
	//       "coverage": {
	//         "complete": true,
	//         "gaps": []
	//       }
	//     }
	//   ],
	//   "needs": [],
	//   "findings": []
	// }
}

func ExampleCatalog_WriteMarkdown() {
	cat, _ := catalog.Reconcile(fleet()[:1], nil)
	if err := cat.WriteMarkdown(os.Stdout, &catalog.ReportOptions{Least: catalog.Warning}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// # Pod Identity in the fleet
	//
	// 1 cluster, 1 need of 1 service account: 1 on Pod Identity, 0 on both, 0 on Workload Identity. 0 findings: 0 blocking, 0 errors, 0 warnings, 0 info.
	//
	// ## Clusters
	//
	// | Cluster | Region | Mode | Needs | Findings | Coverage |
	// |---|---|---|--:|--:|---|
	// | aks-eastus-01 | eastus | standard | 1 | 0 | complete |
	//
	// ## Findings
	//
	// None.
	//
	// ## Needs
	//
	// | Cluster | Namespace | Service account | Identity | State | Workloads |
	// |---|---|---|---|---|---|
	// | aks-eastus-01 | shop | orders | orders | podIdentity | Deployment/orders |
}

func ExampleCatalog_WriteNeedsCSV() {
	cat, _ := catalog.Reconcile(fleet()[:1], nil)
	if err := cat.WriteNeedsCSV(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// cluster,namespace,serviceAccount,identityKind,identity,clientID,state,selector,bindings,workloads
	// aks-eastus-01,shop,orders,userAssigned,/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shop-orders,4d08a04f-0075-4030-8db0-752af0dddfd2,podIdentity,shop-orders,orders-binding,Deployment/orders
}

// orphan is a finding for the examples of reports.
func orphan() []catalog.Finding {
	return []catalog.Finding{{Code: catalog.OrphanBinding, Severity: catalog.Warning, Cluster: "aks-1", Namespace: "shop", Object: "AzureIdentityBinding/old",
		Message: "no pod carries the selector", Remedy: "confirm, then delete it"}}
}

func ExampleCatalog_WriteFindingsCSV() {
	cat := &catalog.Catalog{Findings: orphan()}
	if err := cat.WriteFindingsCSV(os.Stdout, nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// severity,code,cluster,namespace,object,message,remedy
	// warning,orphan-binding,aks-1,shop,AzureIdentityBinding/old,no pod carries the selector,"confirm, then delete it"
}

func ExampleWriteFindingsText() {
	if err := catalog.WriteFindingsText(os.Stdout, orphan(), nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// warning  orphan-binding  aks-1/shop  AzureIdentityBinding/old
	//          no pod carries the selector
	//          → confirm, then delete it
}

func ExampleWriteFindingsMarkdown() {
	if err := catalog.WriteFindingsMarkdown(os.Stdout, orphan(), nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// ## Findings
	//
	// | Severity | Code | Cluster | Namespace | Object | What | Remedy |
	// |---|---|---|---|---|---|---|
	// | warning | orphan-binding | aks-1 | shop | AzureIdentityBinding/old | no pod carries the selector | confirm, then delete it |
}
