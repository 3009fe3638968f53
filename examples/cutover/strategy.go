package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/cutover"
)

// places are namespaces, of one cluster (CLUSTER/NAMESPACE) or of every one. It is a flag.Value.
type places []string

func (p *places) String() string { return strings.Join(*p, ",") }

// Set adds a comma-separated list.
func (p *places) Set(list string) error {
	for place := range strings.SplitSeq(list, ",") {
		place = strings.TrimSpace(place)
		if place == "" || strings.Count(place, "/") > 1 || strings.HasPrefix(place, "/") || strings.HasSuffix(place, "/") {
			return fmt.Errorf("%q is neither NAMESPACE nor CLUSTER/NAMESPACE", place)
		}
		*p = append(*p, place)
	}
	return nil
}

func (p *places) has(cluster, namespace string) bool {
	return slices.Contains(*p, namespace) || slices.Contains(*p, cluster+"/"+namespace)
}

// declare tells the planner what the flags say: who names a namespace for a single rollout vouches for its applications, as does who names it for -vouch.
func (c *config) declare(o *cutover.PlanOptions) {
	o.Strategy = func(u cutover.Unit) cutover.Strategy {
		return cutover.Strategy{SingleRollout: c.singleRollout.has(u.Cluster, u.Namespace), Sidecar: c.sidecar.has(u.Cluster, u.Namespace)}
	}
	o.Attest = func(u cutover.Unit, _ cutover.Workload) cutover.Attestation {
		if c.singleRollout.has(u.Cluster, u.Namespace) || c.vouch.has(u.Cluster, u.Namespace) {
			return cutover.AttestDeclared
		}
		return cutover.AttestUnknown
	}
}

// misnamed finds a place that nothing in the plan is of: a slip of the pen would otherwise move its unit in two rollouts.
func (c *config) misnamed(p *cutover.Plan) error {
	for _, place := range slices.Concat(c.singleRollout, c.sidecar, c.vouch) {
		one := places{place}
		if !slices.ContainsFunc(p.Units, func(u cutover.Unit) bool { return one.has(u.Cluster, u.Namespace) }) &&
			!slices.ContainsFunc(p.Blocked, func(b cutover.Blocked) bool { return one.has(b.Cluster, b.Namespace) }) {
			return fmt.Errorf("nothing is to be moved in %s, which -single-rollout, -sidecar or -vouch names", place)
		}
	}
	return nil
}
