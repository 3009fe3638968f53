package federation

import (
	"fmt"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// DefaultAudience is the audience of the tokens that AKS projects, in every Azure cloud
// (https://learn.microsoft.com/azure/aks/workload-identity-deploy-cluster).
const DefaultAudience = workloadid.Audience

// Rebuilt says how the credential of a cluster that was rebuilt, and so has a new issuer, follows it.
type Rebuilt string

const (
	// ReplaceInPlace writes the new issuer under the old name: one write, no extra slot, and the old cluster's pods lose access. The default.
	ReplaceInPlace Rebuilt = "replace"
	// AddThenRemove adds the new issuer under a second name and leaves the old one, for the time that pods of both clusters live; a later
	// plan with Prune removes the old one.
	AddThenRemove Rebuilt = "add-then-remove"
)

// PlanOptions are the choices of NewPlan. The zero value is the default of each.
type PlanOptions struct {
	// Topology says which identity each need uses; zero is KeepIdentities.
	Topology Topology
	// Audience of every wanted credential; empty is DefaultAudience. It must equal the audience of the projected token.
	Audience string
	// NamePrefix begins derived names; empty is DefaultNamePrefix. Plans with different prefixes leave each other's credentials alone:
	// fleets that share identities and have clusters of the same name need different ones.
	NamePrefix string
	// Scope is where identities that do not exist yet are proposed: /subscriptions/ID/resourceGroups/NAME. Empty is the scope of the
	// identity that the workload has today, else of its cluster.
	Scope string
	// Rebuilt says how trust follows a rebuilt cluster; empty is ReplaceInPlace.
	Rebuilt Rebuilt
	// ReplaceAudience lets the plan correct the audience of a credential that somebody else made for a wanted issuer and subject.
	// Azure holds such a pair once, so without it the need stays untrusted, and a finding says so.
	ReplaceAudience bool
	// Prune deletes credentials under names that a plan for a cluster of the catalog, or of FormerClusters, could have made (first guard)
	// whose issuer no cluster has, or whose service account nothing needs (second guard). Both must be certain: every issuer known, or
	// the cluster's coverage complete. So what another fleet keeps on a shared identity is safe, unless its clusters have the same names.
	Prune bool
	// FormerClusters are names of clusters that are gone for good, for Prune: a cluster that came back under another name, say.
	FormerClusters []string
	// KeepNames are names of credentials that Prune leaves alone.
	KeepNames []string
	// ServiceAccountExists, if set, says whether a service account exists. Without it a service account that nothing needs counts as unknown.
	ServiceAccountExists func(cluster, namespace, serviceAccount string) bool
	// RegionalIsolation makes an identity that clusters of two regions can become an error; always so under PerCluster.
	RegionalIsolation bool
}

// withDefaults copies the options and fills in what is empty.
func (o *PlanOptions) withDefaults() (PlanOptions, error) {
	var opts PlanOptions
	if o != nil {
		opts = *o
	}
	if opts.Topology.assign == nil {
		opts.Topology = KeepIdentities()
	}
	if opts.Audience == "" {
		opts.Audience = DefaultAudience
	}
	if opts.NamePrefix == "" {
		opts.NamePrefix = DefaultNamePrefix
	}
	if opts.Rebuilt == "" {
		opts.Rebuilt = ReplaceInPlace
	}
	opts.RegionalIsolation = opts.RegionalIsolation || opts.Topology.regional
	if !validPrefix(opts.NamePrefix) {
		return opts, fmt.Errorf("federation: name prefix %q must be 1 to %d letters, digits, '-' and '_', the first a letter or a digit",
			opts.NamePrefix, maxPrefixLength)
	}
	if opts.Rebuilt != ReplaceInPlace && opts.Rebuilt != AddThenRemove {
		return opts, fmt.Errorf("federation: Rebuilt %q is neither %q nor %q", opts.Rebuilt, ReplaceInPlace, AddThenRemove)
	}
	return opts, validateValue("audience", opts.Audience)
}
