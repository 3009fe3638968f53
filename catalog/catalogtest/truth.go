package catalogtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
)

// Planted is a finding that a fleet was built to have.
type Planted struct {
	Code      catalog.Code
	Cluster   string
	Namespace string
	Object    string
}

// Truth is what a catalog of a built fleet must say.
type Truth struct {
	// Needs are all of them: one too many is as wrong as one too few.
	Needs []catalog.Need
	// Planted findings must all be there; others may be too, outside clean namespaces.
	Planted []Planted
	// Clean namespaces have no finding of severity warning or above.
	Clean []catalog.Place
}

// Check compares a catalog with the truth and returns what differs, in words; nothing when it is right.
func (t *Truth) Check(c *catalog.Catalog) []string {
	var out []string
	want := map[string]catalog.Need{}
	for _, n := range t.Needs {
		want[needKey(n)] = n
	}
	for _, n := range c.Needs {
		w, ok := want[needKey(n)]
		delete(want, needKey(n))
		if !ok {
			out = append(out, "need that is none: "+needKey(n))
		} else if diff := cmp.Diff(w, n); diff != "" {
			out = append(out, "need differs (-want +got): "+needKey(n)+"\n"+diff)
		}
	}
	for k := range want {
		out = append(out, "need not found: "+k)
	}
	out = append(out, t.checkFindings(c)...)
	slices.Sort(out)
	return out
}

func (t *Truth) checkFindings(c *catalog.Catalog) []string {
	var out []string
	have := map[Planted]bool{}
	clean := map[catalog.Place]bool{}
	for _, p := range t.Clean {
		clean[p] = true
	}
	for _, f := range c.Findings {
		have[Planted{f.Code, f.Cluster, f.Namespace, f.Object}] = true
		if clean[catalog.Place{Cluster: f.Cluster, Namespace: f.Namespace}] && f.Severity.Rank() >= catalog.Warning.Rank() {
			out = append(out, fmt.Sprintf("finding in a clean namespace: %s %s %s/%s %s: %s", f.Severity, f.Code, f.Cluster, f.Namespace, f.Object, f.Message))
		}
	}
	for _, p := range t.Planted {
		if !have[p] {
			out = append(out, fmt.Sprintf("planted finding not found: %s %s/%s %s", p.Code, p.Cluster, p.Namespace, p.Object))
		}
	}
	return out
}

func needKey(n catalog.Need) string {
	return strings.Join([]string{n.Cluster, n.Namespace, n.ServiceAccount, n.Identity.Key()}, " ")
}
