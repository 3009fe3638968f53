package federation

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// Edge says that a service account of a cluster can become an identity.
type Edge struct {
	Cluster        string `json:"cluster"`
	Region         string `json:"region"`
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
	// Identity is a key, as in State.
	Identity string `json:"identity"`
}

// Trust is who can become what: the matrix of clusters and identities. It holds the trust in clusters of the catalog; what identities
// trust besides is counted in Elsewhere. Edges are sorted.
type Trust struct {
	Edges []Edge `json:"edges"`
	// Elsewhere counts, by identity, credentials whose issuer is no cluster of the catalog or whose subject is no service account.
	Elsewhere map[string]int `json:"elsewhere"`
}

// TrustOf reads the trust off a state. Use Plan.After for the trust once a plan is done.
func TrustOf(cat *catalog.Catalog, have State) *Trust {
	f := newFleet(cat)
	t := &Trust{Edges: []Edge{}, Elsewhere: map[string]int{}}
	for key, credentials := range lowerKeys(have) {
		for i := range credentials {
			c := &credentials[i]
			namespace, account, ok := ParseSubject(c.Subject)
			at, known := f.byIssuer[c.Issuer]
			if !ok || !known {
				t.Elsewhere[key]++
				continue
			}
			t.Edges = append(t.Edges, Edge{f.clusters[at].Name, f.clusters[at].Region, namespace, account, key})
		}
	}
	slices.SortFunc(t.Edges, compareEdges)
	t.Edges = slices.Compact(t.Edges)
	return t
}

func compareEdges(a, b Edge) int {
	return cmp.Or(strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Identity, b.Identity),
		strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.ServiceAccount, b.ServiceAccount))
}

// After returns what identities trust once the plan is done, if have is what it was made from. Have is not changed. What Apply
// refuses to write to stays as it was: identities that are blocked.
func (p *Plan) After(have State) State {
	have = lowerKeys(have)
	after := make(State, len(have))
	for key, credentials := range have {
		after[key] = slices.Clone(credentials)
	}
	for id, changes := range p.ByIdentity() {
		key := id.Identity.Key()
		for i := range changes {
			c := &changes[i]
			if c.Action == Keep || id.Blocked != "" {
				continue
			}
			rest := slices.DeleteFunc(after[key], func(x Credential) bool { return x.Name == c.Credential.Name })
			if c.Action != Delete {
				rest = append(rest, c.Credential)
			}
			after[key] = rest
		}
	}
	return after
}

// Clusters returns the clusters that can become an identity, by name.
func (t *Trust) Clusters(identity string) []string {
	return t.distinct(func(e *Edge) (string, bool) { return e.Cluster, e.Identity == strings.ToLower(identity) })
}

// Identities returns what a cluster can become, by key.
func (t *Trust) Identities(cluster string) []string {
	return t.distinct(func(e *Edge) (string, bool) { return e.Identity, e.Cluster == cluster })
}

func (t *Trust) distinct(pick func(*Edge) (string, bool)) []string {
	found := []string{}
	for i := range t.Edges {
		if s, ok := pick(&t.Edges[i]); ok {
			found = append(found, s)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// TrustDiff is what changed between two moments.
type TrustDiff struct {
	Added   []Edge `json:"added"`
	Removed []Edge `json:"removed"`
}

// Diff returns what became trusted, and what no longer is, from before to t.
func (t *Trust) Diff(before *Trust) TrustDiff {
	missing := func(from, in []Edge) []Edge {
		out := []Edge{}
		for _, e := range from {
			if _, ok := slices.BinarySearchFunc(in, e, compareEdges); !ok {
				out = append(out, e)
			}
		}
		return out
	}
	return TrustDiff{Added: missing(t.Edges, before.Edges), Removed: missing(before.Edges, t.Edges)}
}

// IsolationError is an identity that clusters of several regions can become.
type IsolationError struct {
	Identity string
	// Regions are sorted.
	Regions []string
}

// Error names the identity and the regions.
func (e *IsolationError) Error() string {
	return fmt.Sprintf("federation: clusters of %s can become %s: a compromised cluster reaches beyond its region; use one identity per region",
		strings.Join(e.Regions, " and "), e.Identity)
}

// AssertRegional returns nil if no identity can be become from more than one region, and else a joined *IsolationError for each that can.
// Clusters without a region count as one region of their own.
func (t *Trust) AssertRegional() error {
	regions := map[string]map[string]bool{}
	for i := range t.Edges {
		e := &t.Edges[i]
		if regions[e.Identity] == nil {
			regions[e.Identity] = map[string]bool{}
		}
		regions[e.Identity][cmp.Or(e.Region, "(no region)")] = true
	}
	var errs []error
	for _, identity := range sortedKeys(regions) {
		if len(regions[identity]) > 1 {
			errs = append(errs, &IsolationError{identity, sortedKeys(regions[identity])})
		}
	}
	return errors.Join(errs...)
}
