// Package catalogtest helps to test what reads or uses a catalog: builders of clusters, their text as Kubernetes writes it, a small
// fleet that holds every finding, and random fleets of which the truth is known.
//
//	c := catalogtest.NewCluster("aks-eastus-01", "eastus")
//	c.App("shop", "orders")                                  // identity, binding, service account, Deployment
//	cat, err := catalog.Reconcile([]*catalog.Snapshot{c.Snapshot()}, nil)
//
// Everything here is deterministic. Nothing takes a *testing.T, so examples can use it too.
package catalogtest
