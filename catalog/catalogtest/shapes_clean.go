package catalogtest

import (
	"fmt"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// shape fills a namespace of a cluster.
type shape struct {
	code catalog.Code // what it plants; empty for a clean one
	// everywhere shapes fill the namespace in all clusters, and c is the odd one; the others fill it in c alone.
	everywhere bool
	// standard shapes need a cluster whose bindings match across namespaces.
	standard bool
	fill     func(a *author, c *Cluster, namespace string)
}

// cleanShapes are estates in which nothing is wrong, however they look.
func cleanShapes() []shape {
	return []shape{
		{fill: cleanKinds},
		{fill: cleanShared},
		{fill: cleanChains},
		{fill: cleanMoved},
		{fill: cleanDual},
		{fill: cleanBystanders},
		{everywhere: true, fill: cleanRegional},
	}
}

func cleanKinds(a *author, c *Cluster, namespace string) {
	for i, kind := range []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicationController", "Job"} {
		if a.rng.IntN(2) == 0 {
			a.app(c, namespace, fmt.Sprintf("app%d", i), application{kind: kind})
		}
	}
	a.clean(c, namespace)
}

// cleanShared has several workloads of one service account and one identity: one need.
func cleanShared(a *author, c *Cluster, namespace string) {
	a.app(c, namespace, "web", application{})
	for i := range 1 + a.rng.IntN(3) {
		name := fmt.Sprintf("worker%d", i)
		a.run(c, namespace, name, namespace+"-web", application{account: "web", kind: "StatefulSet"})
		a.need(c, catalog.Need{Namespace: namespace, ServiceAccount: "web", Identity: identity("web", namespace+"-web"),
			Bindings: []string{"web-binding"}, Workloads: []catalog.WorkloadRef{ref("StatefulSet", name)}})
	}
	a.clean(c, namespace)
}

// cleanChains has owners at several heights, in part left out of the dump.
func cleanChains(a *author, c *Cluster, namespace string) {
	a.app(c, namespace, "web", application{})
	label := Label(namespace + "-web")
	hashed := func(w *catalog.Workload) { w.Template.Labels["pod-template-hash"] = "5d9f7b6c4" }
	c.Workload("ReplicaSet", namespace, "web-5d9f7b6c4", "web", label, hashed, c.OwnedBy("Deployment", "web"))
	for i := range 2 {
		c.Workload("Pod", namespace, fmt.Sprintf("web-5d9f7b6c4-%d", i), "web", label, hashed, c.OwnedBy("ReplicaSet", "web-5d9f7b6c4"))
	}
	old := func(w *catalog.Workload) { w.Template.Labels["aadpodidbinding"] = "long-gone" } // a revision of history
	c.Workload("ReplicaSet", namespace, "web-6c8f9d7b5", "web", label, old, Replicas(0), c.OwnedBy("Deployment", "web"))

	c.Identity(namespace, "lone", namespace+"-lone").Binding(namespace, "lone", "lone", namespace+"-lone").Account(namespace, "lone", "")
	c.Workload("Pod", namespace, "lone-5d9f7b6c4-0", "lone", Label(namespace+"-lone"), hashed, c.OwnedBy("ReplicaSet", "lone-5d9f7b6c4"))
	a.need(c, catalog.Need{Namespace: namespace, ServiceAccount: "lone", Identity: identity("lone", namespace+"-lone"), Bindings: []string{"lone"},
		Selector: namespace + "-lone", Workloads: []catalog.WorkloadRef{ref("Deployment", "lone")}})
	a.clean(c, namespace)
}

// cleanMoved is on Workload Identity alone; the AzureIdentity may be gone already.
func cleanMoved(a *author, c *Cluster, namespace string) {
	azure := namespace + "-api"
	a.run(c, namespace, "api", "", application{annotated: ClientID(azure), edit: []func(*catalog.Workload){Use()}})
	id := catalog.Identity{Kind: catalog.UserAssigned, ClientID: ClientID(azure)}
	if a.rng.IntN(2) == 0 {
		c.Identity(namespace, "api", azure)
		id = identity("api", azure)
	}
	a.need(c, catalog.Need{Namespace: namespace, ServiceAccount: "api", Identity: id, Workloads: []catalog.WorkloadRef{ref("", "api")},
		State: catalog.StateWorkloadIdentity})
	a.clean(c, namespace)
}

func cleanDual(a *author, c *Cluster, namespace string) {
	a.app(c, namespace, "api", application{annotated: ClientID(namespace + "-api"), edit: []func(*catalog.Workload){Use()}, state: catalog.StateDual})
	a.clean(c, namespace)
}

// cleanBystanders use no identity, though some have variables of Azure.
func cleanBystanders(a *author, c *Cluster, namespace string) {
	c.Account(namespace, "site", "").Workload("Deployment", namespace, "site", "site", func(w *catalog.Workload) {
		w.Template.Env = []catalog.Env{{Container: "app", Name: workloadid.EnvClientID, Value: GUID("own")}}
	}).Workload("CronJob", namespace, "tidy", "").Workload("Deployment", namespace, "idle", "site", Replicas(0))
	a.clean(c, namespace)
}

// cleanRegional runs everywhere with an identity for each region.
func cleanRegional(a *author, _ *Cluster, namespace string) {
	a.each(func(c *Cluster) {
		a.app(c, namespace, "hub", application{azure: namespace + "-hub-" + c.snap.Cluster.Region})
		a.clean(c, namespace)
	})
}
