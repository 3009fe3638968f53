package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// notes collects findings.
type notes struct {
	rules map[Code]Rule
	all   []Finding
}

func newNotes() *notes {
	n := &notes{rules: map[Code]Rule{}, all: []Finding{}}
	for _, r := range Rules() {
		n.rules[r.Code] = r
	}
	return n
}

// add takes a finding, with the severity and remedy of its rule where it has none of its own.
func (n *notes) add(f Finding) {
	rule := n.rules[f.Code]
	if f.Severity == "" {
		f.Severity = rule.Severity
	}
	if f.Remedy == "" {
		f.Remedy = rule.Remedy
	}
	f.Cluster, f.Namespace, f.Object = text(f.Cluster), text(f.Namespace), text(f.Object)
	f.Message, f.Remedy = text(f.Message), text(f.Remedy)
	n.all = append(n.all, f)
}

// coverage reports the gaps of a cluster.
func (n *notes) coverage(c Cluster) {
	for _, g := range c.Coverage.Gaps {
		n.add(Finding{Code: CoverageGap, Cluster: c.Name, Object: "Read/" + g.Resource,
			Message: fmt.Sprintf("%s could not be read: %s; what depends on it is unknown", g.Resource, g.Reason),
			Remedy:  remedyOfGap(g)})
	}
}

func remedyOfGap(g Gap) string {
	switch {
	case g.Resource == "cluster":
		return "mend what the reason names, and scan again"
	case g.Resource == "files":
		return "name the folder that holds the dump or the manifests of the cluster, and scan again"
	case strings.HasPrefix(g.Resource, "file:"):
		return "mend " + g.Resource + " as the reason says, or dump it anew, and scan again"
	}
	switch readOfResource(g.Resource) {
	case readAll:
		return "give " + g.Resource + " whole and scan again"
	case readIssuer:
		return "give the issuer beforehand, as ARM shows it, and scan again"
	case readARM:
		return "grant Reader on " + g.Resource + " and scan again"
	default:
		return "grant list on " + g.Resource + " and scan again"
	}
}

// sorted returns the findings in their one order, each once.
func (n *notes) sorted() []Finding {
	slices.SortFunc(n.all, compareFindings)
	return slices.Compact(n.all)
}

// findings reports everything about one estate; what needs the fleet beside it is in fleet.compare.
func (e *estate) findings(n *notes, f *fleet, o Options) {
	r := &reporter{notes: n, cluster: e.cluster.Name}
	n.coverage(e.cluster)
	for _, a := range e.apps {
		e.noteWorkload(r, a)
		e.notePath(r, a)
		e.noteTemplate(r, a)
		e.noteMove(r, a)
	}
	e.noteShared(r)
	e.noteBindings(r)
	e.noteIdentities(r, f)
	e.noteAccounts(r)
	e.noteAssigned(r, o)
	e.noteCollisions(r)
	e.noteAddOn(r, f)
	e.noteConsumers(r)
	e.noteManaged(r)
	e.noteMalformed(r)
}

// reporter adds the cluster to each finding.
type reporter struct {
	*notes
	cluster string
}

func (r *reporter) add(f Finding) {
	f.Cluster = r.cluster
	r.notes.add(f)
}
