package cutover

import (
	"time"

	"github.com/wimigrate/wimigrate/catalog"
)

// PlanOptions tune [NewPlan]. A zero field means its default; a negative number means off.
type PlanOptions struct {
	// Snapshots are what the catalog was reconciled from. They add UIDs, template paths, GitOps owners and the add-on to the plan;
	// without them the runner finds UIDs live, and a unit is planned as Direct unless the catalog says gitops-managed.
	Snapshots []*catalog.Snapshot
	// Mode decides how a unit's changes reach the cluster. Default: GitOps where a workload or service account has a known owner (Argo CD,
	// Flux, or Helm, whose next upgrade puts the old label back), or where the catalog says gitops-managed; else Direct.
	Mode func(u Unit) Mode
	// Strategy declares how a unit's pods get to the new path, where two rollouts and an application that can change are not what there
	// is. A unit that cannot move by what is declared for it is blocked. Default: the zero [Strategy] for every unit.
	Strategy func(u Unit) Strategy
	// Attest says whether the application of a workload of a unit is known to use its federated token. The plan records it; preflight reads it
	// where [PreflightOptions.Attest] says nothing. A single rollout needs it for every workload of its unit. Default: [AttestUnknown].
	Attest func(u Unit, w Workload) Attestation
	// ProbeIdle approves probes of a workload that runs no pod: for the time of a gate one pod of it is started, judged and taken away
	// again, and a CronJob that does not run by itself within that time is run once more, by each of its gates. Such a workload is never
	// verified under load: the evidence says "one-pod probe" or "one-off run", and the unit's risks say so beforehand. Default: none is
	// approved, and the unit is held for load until pods run.
	ProbeIdle func(u Unit, w Workload) bool
	// Order puts units into the user's own order: negative when a goes before b. Default, and between equals: fewest risks first,
	// then cluster, namespace, ID.
	Order func(a, b Unit) int
	// Accept lists findings that would block a unit by the package's own judgement (severity error) and may go on nevertheless. What
	// the catalog itself calls blocking cannot be accepted.
	Accept []catalog.Code
	// Limits; zero fields mean: 1 unit at once per cluster, 1 per identity, 2 per region, 5 in the fleet, 2 canary pods, then one
	// ordinal at a time, no induced load, 15 minutes of it, 1 hour between waves.
	Limits Limits
	// Soak is how long a unit is watched after the old path is gone. Default: 24 hours, which is also how long a managed identity's
	// token may live. A soak lasts at least as long as the longest time between two runs of the unit's CronJobs (see Limits.CronSoak), each
	// of which must complete one; without a soak (negative) they are not waited for.
	Soak time.Duration
	// KeepBindings leaves out the deletion of bindings and identities.
	KeepBindings bool
}

// defaultSoak is also the life of a managed identity's token: until it is over, success may be a cached token.
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations
const defaultSoak = 24 * time.Hour

func (o *PlanOptions) withDefaults() PlanOptions {
	var out PlanOptions
	if o != nil {
		out = *o
	}
	number(&out.Limits.PerCluster, 1)
	number(&out.Limits.PerIdentity, 1)
	number(&out.Limits.PerRegion, 2)
	number(&out.Limits.Fleet, 5)
	number(&out.Limits.CanaryPods, 2)
	number(&out.Limits.OrdinalStep, 1)
	number(&out.Limits.InducePods, 0)
	number(&out.Limits.InduceFor, 15*time.Minute)
	number(&out.Limits.Bake, time.Hour)
	number(&out.Soak, defaultSoak)
	return out
}

// number sets the default of a zero number, and zero for a negative one.
func number[T int | time.Duration](n *T, def T) {
	switch {
	case *n == 0:
		*n = def
	case *n < 0:
		*n = 0
	}
}
