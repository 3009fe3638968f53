package federation

import (
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// group is one identity with all needs that use it.
type group struct {
	key      string
	identity catalog.Identity
	needs    []int32 // indices into the catalog
	inState  bool
}

// groupNeeds puts needs with the same identity together, letter case aside, and adds the identities that only the state knows. The
// groups are sorted by key, the needs of each by cluster, namespace and service account.
func groupNeeds(cat *catalog.Catalog, have State, ids assignment) []*group {
	g := newGrouper(len(cat.Needs), ids.of, len(have))
	for i := range cat.Needs {
		id := ids.of(i)
		if id.ID() == "" {
			continue // reported by needFindings
		}
		group := g.of(*id)
		group.needs = append(group.needs, int32(i))
	}
	for key := range have {
		if group := g.byKey[key]; group != nil {
			group.inState = true
			continue
		}
		g.add(key, identityOfKey(key)).inState = true
	}
	for _, group := range g.sorted() {
		sortNeeds(cat, group.needs)
	}
	return g.groups
}

type grouper struct {
	byRaw    map[catalog.Identity]*group // as written: most needs of an identity write it the same
	byKey    map[string]*group
	byClient map[string]string
	groups   []*group
}

func newGrouper(n int, id func(int) *catalog.Identity, size int) *grouper {
	return &grouper{byRaw: map[catalog.Identity]*group{}, byKey: make(map[string]*group, size), byClient: resourceByClient(n, id)}
}

func (g *grouper) sorted() []*group {
	slices.SortFunc(g.groups, func(a, b *group) int { return strings.Compare(a.key, b.key) })
	return g.groups
}

func (g *grouper) of(id catalog.Identity) *group {
	raw := id
	if group := g.byRaw[raw]; group != nil {
		return group
	}
	if id.Kind != catalog.Application && id.ResourceID == "" {
		id.ResourceID = g.byClient[strings.ToLower(id.ClientID)]
	}
	key := id.Key()
	group := g.byKey[key]
	if group == nil {
		group = g.add(key, id)
	} else if less(id, group.identity) {
		group.identity = id
	}
	g.byRaw[raw] = group
	return group
}

func (g *grouper) add(key string, id catalog.Identity) *group {
	group := &group{key: key, identity: id}
	g.byKey[key] = group
	g.groups = append(g.groups, group)
	return group
}

func sortNeeds(cat *catalog.Catalog, needs []int32) {
	slices.SortFunc(needs, func(a, b int32) int {
		x, y := &cat.Needs[a], &cat.Needs[b]
		if c := strings.Compare(x.Cluster, y.Cluster); c != 0 {
			return c
		}
		if c := strings.Compare(x.Namespace, y.Namespace); c != 0 {
			return c
		}
		return strings.Compare(x.ServiceAccount, y.ServiceAccount)
	})
}
