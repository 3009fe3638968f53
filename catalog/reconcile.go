package catalog

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Options changes how [Reconcile] joins; nil and the zero value give the documented defaults.
type Options struct {
	// LogicalKey maps a binding of a cluster to the key under which the fleet knows it, for fleets whose names carry the region
	// ("orders-eastus" and "orders-westeurope" become "orders"). It must be pure and map each field by itself: it is called with fields
	// left empty too. Nil keeps the names.
	LogicalKey func(Cluster, LogicalKey) LogicalKey
	// Now judges how long an AzureAssignedIdentity has been in Created. Zero takes the newest time stamp of the cluster's own
	// assignments, which is never later than the read.
	Now time.Time
	// StuckAfter is how long an assignment may stay in Created: 10 minutes when zero, never stuck when negative.
	StuckAfter time.Duration
}

// defaultStuckAfter is far above MIC's own sync interval.
const defaultStuckAfter = 10 * time.Minute

func (o *Options) withDefaults() Options {
	var out Options
	if o != nil {
		out = *o
	}
	if out.StuckAfter == 0 {
		out.StuckAfter = defaultStuckAfter
	}
	if out.LogicalKey == nil {
		out.LogicalKey = func(_ Cluster, k LogicalKey) LogicalKey { return k }
	}
	return out
}

// Reconcile joins the snapshots of a fleet into one [Catalog]: who needs which identity, and what is wrong. It is pure: it reads
// nothing but its arguments, changes none of them, keeps nothing, and gives the same bytes for shuffled input. Bad values become
// findings, never panics.
//
// The catalog is never nil. The error joins one [*ClusterError] for each snapshot that names no cluster and for each name that
// several snapshots claim: such a cluster is listed with incomplete coverage and none of its facts, and the rest goes on.
func Reconcile(snaps []*Snapshot, opts *Options) (*Catalog, error) {
	o := opts.withDefaults()
	usable, unusable, err := distinct(snaps)
	fleet := newFleet(usable)
	out := &Catalog{Clusters: slices.Clone(unusable), Needs: []Need{}, Findings: []Finding{}}
	notes := newNotes()
	for _, c := range unusable {
		notes.coverage(c)
	}
	for _, e := range fleet.estates {
		e.match(fleet)
		e.needed = e.needs(fleet)
		out.Needs = append(out.Needs, e.needed...)
		e.findings(notes, fleet, o)
		cluster := e.cluster
		cluster.Coverage = e.leftOut() // after every rule has said what it could not use
		out.Clusters = append(out.Clusters, cluster)
	}
	fleet.compare(notes, o)
	out.Findings = notes.sorted()
	slices.SortFunc(out.Clusters, compareClusters)
	slices.SortFunc(out.Needs, compareNeeds)
	if out.Clusters == nil {
		out.Clusters = []Cluster{}
	}
	return out, err
}

// distinct parts the snapshots that can be joined from the names that cannot.
func distinct(snaps []*Snapshot) (usable []*Snapshot, unusable []Cluster, err error) {
	byName := map[string][]*Snapshot{}
	var errs []error
	for _, s := range snaps {
		switch {
		case s == nil:
			errs = append(errs, &ClusterError{Err: ErrNoCluster})
		case s.Cluster.Name == "":
			errs = append(errs, &ClusterError{Origins: []string{s.origin()}, Err: ErrNoCluster})
		default:
			name := text(s.Cluster.Name)
			byName[name] = append(byName[name], s)
		}
	}
	for name, same := range byName {
		if len(same) == 1 {
			usable = append(usable, same[0])
			continue
		}
		e := &ClusterError{Cluster: name, Err: ErrDuplicateCluster}
		for _, s := range same {
			e.Origins = append(e.Origins, s.origin())
		}
		slices.Sort(e.Origins)
		errs = append(errs, e)
		gap := Gap{Resource: "cluster", Reason: e.reason()}
		unusable = append(unusable, Cluster{Name: name, PodIdentityMode: ModeStandard, Coverage: Coverage{Gaps: []Gap{gap}}})
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return usable, unusable, errors.Join(errs...)
}

// origin says where a snapshot came from: its own word, else that of its first fact.
func (s *Snapshot) origin() string {
	if s.Origin != "" {
		return text(s.Origin)
	}
	first := ""
	see := func(o string) {
		if o != "" && (first == "" || o < first) {
			first = o
		}
	}
	for i := range s.Bindings {
		see(s.Bindings[i].Origin)
	}
	for i := range s.Identities {
		see(s.Identities[i].Origin)
	}
	for i := range s.Workloads {
		see(s.Workloads[i].Origin)
	}
	for i := range s.Namespaces {
		see(s.Namespaces[i].Origin)
	}
	if first == "" {
		return "unknown origin"
	}
	return text(first)
}
