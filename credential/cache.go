package credential

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// cache holds an entry for each kind of token. Reading takes no lock and allocates
// nothing; entries are added, never removed.
type cache struct {
	mu      sync.Mutex
	byScope atomic.Pointer[map[string][]*entry] // by the first scope
}

// entry is one kind of token: scopes, tenant and CAE.
type entry struct {
	scopes []string
	tenant string
	cae    bool

	state atomic.Pointer[state]

	mu      sync.Mutex
	flights map[string]*flight // by claims
	resting time.Duration      // no background refresh before this reading of the clock
}

// state is a token and what the clocks said when it came. Durations count on the
// monotonic clock from the Credential's beginning, so steps of the wall clock do
// not move them.
type state struct {
	token   azcore.AccessToken
	refresh time.Duration // from here on it is refreshed in the background
	closing time.Duration // from here on callers wait a little for its successor
	expires time.Duration
	// trusted is how long readers need not look at the wall clock.
	trusted atomic.Int64
}

// find returns the entry for a request, or nil.
func (c *cache) find(o *policy.TokenRequestOptions) *entry {
	m := c.byScope.Load()
	if m == nil || len(o.Scopes) == 0 {
		return nil
	}
	for _, e := range (*m)[o.Scopes[0]] {
		if e.is(o) {
			return e
		}
	}
	return nil
}

func (e *entry) is(o *policy.TokenRequestOptions) bool {
	return e.cae == o.EnableCAE && e.tenant == o.TenantID && (len(e.scopes) == 1 && len(o.Scopes) == 1 || slices.Equal(e.scopes, o.Scopes))
}

// add returns the entry for a request, which it creates if there is none.
func (c *cache) add(o policy.TokenRequestOptions) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.find(&o); e != nil {
		return e
	}
	next := map[string][]*entry{}
	if m := c.byScope.Load(); m != nil {
		next = maps.Clone(*m)
	}
	e := &entry{scopes: slices.Clone(o.Scopes), tenant: o.TenantID, cae: o.EnableCAE, flights: map[string]*flight{}}
	next[e.scopes[0]] = append(slices.Clone(next[e.scopes[0]]), e)
	c.byScope.Store(&next)
	return e
}

// entries returns all entries in the order of their scopes.
func (c *cache) entries() []*entry {
	m := c.byScope.Load()
	if m == nil {
		return nil
	}
	var all []*entry
	for _, scope := range slices.Sorted(maps.Keys(*m)) {
		all = append(all, (*m)[scope]...)
	}
	return all
}
