package credential

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// cache holds an entry for each kind of token. Reading takes no lock and allocates
// nothing; entries are added, never removed.
type cache struct {
	mu    sync.Mutex
	table atomic.Pointer[table]
}

// table is immutable. The few entries of most programs are faster compared than hashed.
type table struct {
	few     []*entry            // if there are at most maxFew
	byScope map[string][]*entry // else; by the first scope
}

const maxFew = 8

// entry is one kind of token: scopes, tenant and CAE.
type entry struct {
	scope  string // the first of scopes
	scopes []string
	tenant string
	cae    bool

	state atomic.Pointer[state]

	mu       sync.Mutex
	flights  map[string]*flight // by claims
	resting  time.Duration      // no background refresh before this reading of the clock
	err      error              // of the last flight, repeated to callers until errUntil
	errUntil time.Duration
}

// state is a token and what the clocks said when it came. Durations count on the
// monotonic clock from the Credential's beginning, so steps of the wall clock do
// not move them.
type state struct {
	token   azcore.AccessToken
	asked   time.Duration // when the flight that brought it began
	claims  bool          // it answers a challenge
	refresh time.Duration // from here on it is refreshed in the background
	closing time.Duration // from here on callers wait a little for its successor
	expires time.Duration
	// trusted means that readers need not look at any clock: a timer takes it away
	// when it is time to look again. Reading a clock costs more than all the rest.
	trusted atomic.Bool
}

// find returns the entry for a request, or nil.
func (c *cache) find(o *policy.TokenRequestOptions) *entry {
	t := c.table.Load()
	if t == nil || len(o.Scopes) == 0 {
		return nil
	}
	candidates := t.few
	if candidates == nil {
		candidates = t.byScope[o.Scopes[0]]
	}
	for _, e := range candidates {
		if e.scope == o.Scopes[0] && e.cae == o.EnableCAE && e.tenant == o.TenantID &&
			(len(e.scopes) == 1 && len(o.Scopes) == 1 || slices.Equal(e.scopes, o.Scopes)) {
			return e
		}
	}
	return nil
}

// add returns the entry for a request, which it creates if there is none.
func (c *cache) add(o policy.TokenRequestOptions) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.find(&o); e != nil {
		return e
	}
	e := &entry{scope: o.Scopes[0], scopes: slices.Clone(o.Scopes), tenant: o.TenantID, cae: o.EnableCAE, flights: map[string]*flight{}}
	all := append(c.entries(), e)
	next := &table{few: all}
	if len(all) > maxFew {
		next = &table{byScope: map[string][]*entry{}}
		for _, e := range all {
			next.byScope[e.scope] = append(next.byScope[e.scope], e)
		}
	}
	c.table.Store(next)
	return e
}

// entries returns all entries in the order of their scopes, and of their age where that is equal.
func (c *cache) entries() []*entry {
	t := c.table.Load()
	if t == nil {
		return nil
	}
	all := slices.Clone(t.few)
	for _, scope := range slices.Sorted(maps.Keys(t.byScope)) {
		all = append(all, t.byScope[scope]...)
	}
	slices.SortStableFunc(all, func(a, b *entry) int { return strings.Compare(a.scope, b.scope) })
	return all
}
