// Package catalog finds out what a fleet of clusters uses AAD Pod Identity for, and what is wrong with it, before anything is changed.
//
//	sources ─► Scan ─► *Catalog{Clusters, Needs, Findings} ─► federation, cutover, reports
//
// A need is one service account of one cluster that uses one Azure identity. Needs are found the way Pod Identity itself matches: from
// the aadpodidbinding label of a pod template, through the bindings that select it, to the identity in the binding's namespace; and
// the way the Workload Identity webhook does, where a workload has moved already. They come from templates as well as from running
// pods, so that CronJobs between runs, workloads at zero and custom resources count. A finding is something a person should know or
// decide; each [Code] says what it means and what to do.
//
// The shortest useful program reads a fleet from files as kubectl get … -o yaml writes them:
//
//	fleet, err := catalog.LoadFleet("fleet.yaml")
//	…
//	cat, err := catalog.Scan(ctx, fleet.Sources(nil), nil)
//	if cat != nil {
//		cat.WriteText(os.Stdout, nil)
//	}
//
// [Files], [Dir] and [Live] read one cluster each, [github.com/wimigrate/wimigrate/catalog/aks] adds what ARM knows, and [Join] lays several
// sources of one cluster together. [Reconcile] is the pure half: snapshots in, catalog out, the same bytes for shuffled input.
//
// A read that failed makes what depends on it unknown, never clean: it is a [Gap] of its cluster's [Coverage], a finding of its own
// ([CoverageGap]), and no finding that rests on the absence of something it might have held is issued. Ask [Catalog.Complete]
// before trusting that there is nothing more.
//
// What the catalog cannot know: workloads that use a node's own identity with no label at all; identities that code asks for by name
// beside the one its label leads to; whether a binding that nothing uses today is used once a year.
package catalog
