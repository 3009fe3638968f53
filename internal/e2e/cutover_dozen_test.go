package e2e_test

import (
	"slices"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// dozen is a dozen namespaces over two regions, with workloads of every kind that runs without anything else in the cluster. Two of the
// applications run in both regions. A Job is under way when the move begins, and one application runs no pod: a
// probe of it is approved.
func dozen(f *fleet.Fleet) []resident {
	east, west := f.Clusters[0], f.Clusters[1]
	const often = 250 * time.Millisecond
	all := []resident{
		newResident(f, east, "Deployment", "web", 3, often), newResident(f, west, "Deployment", "web", 3, often),
		newResident(f, east, "StatefulSet", "ledger", 3, often), newResident(f, west, "StatefulSet", "ledger", 3, often),
		newResident(f, east, "StatefulSet", "queue", 2, often), newResident(f, west, "Deployment", "api", 3, often),
		newResident(f, east, "DaemonSet", "agent", 0, often), newResident(f, west, "DaemonSet", "scrape", 0, often),
		newResident(f, east, "CronJob", "nightly", 0, often), newResident(f, west, "CronJob", "hourly", 0, often),
		newResident(f, east, "Deployment", "orders", 2, often), newResident(f, west, "Deployment", "mail", 2, often),
		newResident(f, east, "Deployment", "audit", 2, often), newResident(f, west, "Deployment", "idle", 0, often),
		newResident(f, east, "Rollout", "front", 2, often), newResident(f, west, "Rollout", "search", 2, often),
	}
	for i := range all {
		r := &all[i]
		switch r.Name {
		case "web", "api":
			r.MaxReplicas = 20
		case "front":
			r.MaxReplicas, r.Steps = 20, halfAndOn()
		case "search":
			r.Borrows, r.Steps = true, halfAndOn()
		case "orders":
			r.Job, r.JobRuns = true, 90*time.Second // longer than its unit needs for its rollouts
		case "idle":
			r.Probe = true
		case "queue", "scrape":
			r.OnDelete = true
		}
	}
	return all
}

// halfAndOn are the steps of a canary that stays at one half for a second.
func halfAndOn() []any {
	return []any{map[string]any{"setWeight": int64(50)}, map[string]any{"pause": map[string]any{"duration": int64(1)}}}
}

// jobFirst is the order of a plan in which what has a Job under way comes first, while it is.
func jobFirst(residents []resident) func(a, b cutover.Unit) int {
	rank := func(u cutover.Unit) int {
		for _, r := range residents {
			if r.Job && r.Namespace == u.Namespace {
				return 0
			}
		}
		return 1
	}
	return func(a, b cutover.Unit) int { return rank(a) - rank(b) }
}

// probed approves probes of the idle applications that want it.
func probed(residents []resident) func(cutover.Unit, cutover.Workload) bool {
	return func(u cutover.Unit, _ cutover.Workload) bool {
		return slices.ContainsFunc(residents, func(r resident) bool { return r.Probe && r.Namespace == u.Namespace && r.cluster.Name == u.Cluster })
	}
}
