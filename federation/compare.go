package federation

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/wimigrate/wimigrate/catalog"
)

// CompareOptions are the choices of Compare.
type CompareOptions struct {
	// Plan holds the options of each plan; its Topology is ignored.
	Plan PlanOptions
	// Topologies are compared, in this order; nil is Topologies().
	Topologies []Topology
	// RoleAssignments is how many role assignments each identity has today, by key, where the caller has read them.
	RoleAssignments map[string]int
}

// TopologySummary is one topology's side of a comparison.
type TopologySummary struct {
	Topology string `json:"topology"`
	// Identities that needs use, and how many of them have to be made.
	Identities    int `json:"identities"`
	NewIdentities int `json:"newIdentities"`
	// Credentials in force for the needs when the plan is done, and the writes until then.
	Credentials int `json:"credentials"`
	Writes      int `json:"writes"`
	// RoleSets is how many times the role assignments of an identity of today have to be given to a new one. RoleAssignments is the number
	// of assignments that makes, counting only those that CompareOptions knows; -1 where it knows none.
	RoleSets        int `json:"roleSets"`
	RoleAssignments int `json:"roleAssignments"`
	// Blast says what one compromised cluster can do.
	Blast Blast `json:"blast"`
	// OverLimit identities need more than MaxCredentials; Headroom is the smallest number of free slots, negative if any is over.
	OverLimit int `json:"overLimit"`
	Headroom  int `json:"headroom"`
	// Blocking counts findings that block.
	Blocking int `json:"blocking"`
}

// Comparison holds the topologies side by side.
type Comparison []TopologySummary

// Compare plans every topology and sums them up, so that a team can choose. It is as pure as NewPlan.
func Compare(cat *catalog.Catalog, have State, opts *CompareOptions) (Comparison, error) {
	var o CompareOptions
	if opts != nil {
		o = *opts
	}
	if o.Topologies == nil {
		o.Topologies = Topologies()
	}
	rows := make(Comparison, 0, len(o.Topologies))
	for _, t := range o.Topologies {
		po := o.Plan
		po.Topology = t
		p, err := NewPlan(cat, have, &po)
		if err != nil {
			return nil, err
		}
		rows = append(rows, summarise(cat, have, p, t, &o))
	}
	return rows, nil
}

func summarise(cat *catalog.Catalog, have State, p *Plan, t Topology, o *CompareOptions) TopologySummary {
	s := TopologySummary{Topology: p.Topology, Headroom: MaxCredentials, RoleAssignments: -1}
	for id, changes := range p.ByIdentity() {
		wanted := slices.ContainsFunc(changes, func(c Change) bool { return c.Action != Delete })
		if !wanted {
			continue
		}
		s.Identities++
		if id.Proposed {
			s.NewIdentities++
		}
		if id.Peak > MaxCredentials {
			s.OverLimit++
		}
		s.Headroom = min(s.Headroom, MaxCredentials-max(id.After, id.Peak))
	}
	s.Credentials = p.Count(Keep) + p.Count(Create) + p.Count(Replace)
	for range p.Pending() {
		s.Writes++
	}
	for _, f := range p.Findings {
		if f.Severity == catalog.Blocking {
			s.Blocking++
		}
	}
	s.countRoles(cat, t, o)
	s.Blast = TrustOf(cat, p.After(have)).Blast()
	return s
}

// countRoles counts what has to be assigned anew: for every identity that takes over from another, the other's assignments.
func (s *TopologySummary) countRoles(cat *catalog.Catalog, t Topology, o *CompareOptions) {
	type move struct{ from, to string }
	moves := map[move]bool{}
	ids := t.assignment(cat, o.Plan.Scope)
	for i := range cat.Needs {
		m := move{cat.Needs[i].Identity.Key(), ids.of(i).Key()}
		if m.from == m.to || m.from == "" || moves[m] {
			continue
		}
		moves[m] = true
		s.RoleSets++
		if n, ok := o.RoleAssignments[m.from]; ok {
			s.RoleAssignments = max(s.RoleAssignments, 0) + n
		}
	}
	if s.RoleSets == 0 {
		s.RoleAssignments = 0
	}
}

// Text writes the comparison as a table, one column for each topology.
func (c Comparison) Text(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name string, value func(*TopologySummary) string) {
		fmt.Fprint(tw, name)
		for i := range c {
			fmt.Fprint(tw, "\t", value(&c[i]))
		}
		fmt.Fprintln(tw)
	}
	number := func(f func(*TopologySummary) int) func(*TopologySummary) string {
		return func(s *TopologySummary) string { return fmt.Sprint(f(s)) }
	}
	row("", func(s *TopologySummary) string { return s.Topology })
	row("identities", number(func(s *TopologySummary) int { return s.Identities }))
	row("  to create", number(func(s *TopologySummary) int { return s.NewIdentities }))
	row("credentials", number(func(s *TopologySummary) int { return s.Credentials }))
	row("  to write", number(func(s *TopologySummary) int { return s.Writes }))
	row("role sets to give anew", number(func(s *TopologySummary) int { return s.RoleSets }))
	row("role assignments to create", func(s *TopologySummary) string {
		if s.RoleAssignments < 0 {
			return "unknown"
		}
		return fmt.Sprint(s.RoleAssignments)
	})
	row("identities one cluster can become, at most", number(func(s *TopologySummary) int { return s.Blast.MaxIdentities }))
	row("workloads of other clusters it reaches, at most", number(func(s *TopologySummary) int { return s.Blast.MaxForeign }))
	row("  of other regions", number(func(s *TopologySummary) int { return s.Blast.MaxOtherRegion }))
	row("identities over the limit", number(func(s *TopologySummary) int { return s.OverLimit }))
	row("smallest headroom", number(func(s *TopologySummary) int { return s.Headroom }))
	return tw.Flush()
}
