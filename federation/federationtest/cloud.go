package federationtest

import (
	"fmt"
	"sync"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// CloudOptions say how a Cloud behaves. The zero value is a cloud that answers at once, never fails, and refuses what breaks a rule.
type CloudOptions struct {
	// TenantID is the one tenant; empty is "11111111-2222-3333-4444-555555555555".
	TenantID string
	// Latency is how long every request takes. Writes to one identity whose times overlap conflict.
	Latency time.Duration
	// Lag is how long reads go on showing the state before a write.
	Lag time.Duration
	// Propagation is how long Trusts goes on showing the state before a write.
	Propagation time.Duration
	// ParentDelay is how long an identity that was just added answers 404 ParentResourceNotFound.
	ParentDelay time.Duration
	// ARMRates and GraphRates throttle: requests above them are answered 429. Zero rates do not throttle; federation.ARMRates are the
	// published ones.
	ARMRates, GraphRates federation.Rates
	// PageSize is the number of credentials on a page of a listing; 0 is 20, all that an identity can hold. Each page counts as a request
	// to be throttled: smaller pages do not go with the published rates, which allow one in 4 s.
	PageSize int
	// UnsupportedRegions answer 405; nil is malaysiasouth and newzealandnorth.
	UnsupportedRegions []string
	// Fault is asked before every request; a nil answer lets it pass. It is called one at a time.
	Fault func(Call) *Fault
}

// Cloud is one tenant in memory. It is safe for concurrent use. Make one with NewCloud.
type Cloud struct {
	opts CloudOptions

	mu       sync.Mutex
	records  map[string]*record
	throttle *throttle
	calls    []Call
	refused  map[string]int
}

// record is one identity.
type record struct {
	identity catalog.Identity
	objectID string
	location string
	added    time.Time
	entries  []entry
	writing  bool
}

// entry is a credential for the time that it is there.
type entry struct {
	federation.Credential
	description      string // Graph alone has one
	written, removed time.Time
}

func (e entry) at(t time.Time) bool {
	return !e.written.After(t) && (e.removed.IsZero() || e.removed.After(t))
}

func (r *record) at(t time.Time) []federation.Credential {
	found := []federation.Credential{}
	for _, e := range r.entriesAt(t) {
		found = append(found, e.Credential)
	}
	return found
}

func (r *record) entriesAt(t time.Time) []entry {
	var found []entry
	for _, e := range r.entries {
		if e.at(t) {
			found = append(found, e)
		}
	}
	return found
}

// NewCloud makes an empty tenant. Options may be nil.
func NewCloud(opts *CloudOptions) *Cloud {
	c := &Cloud{records: map[string]*record{}, refused: map[string]int{}}
	if opts != nil {
		c.opts = *opts
	}
	if c.opts.TenantID == "" {
		c.opts.TenantID = "11111111-2222-3333-4444-555555555555"
	}
	if c.opts.PageSize <= 0 {
		c.opts.PageSize = federation.MaxCredentials
	}
	if c.opts.UnsupportedRegions == nil {
		c.opts.UnsupportedRegions = []string{"malaysiasouth", "newzealandnorth"}
	}
	c.throttle = newThrottle(c.opts)
	return c
}

// Add adds an identity in a region, or an app registration, for which the region means nothing. Credentials given with it have been there
// for long: they are not checked, so that a test can start from a state that Azure would not let it make.
func (c *Cloud) Add(id catalog.Identity, location string, credentials ...federation.Credential) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &record{identity: id, location: location, added: time.Now(), objectID: fmt.Sprintf("00000000-0000-4000-8000-%012x", len(c.records)+1)}
	if r.identity.TenantID == "" {
		r.identity.TenantID = c.opts.TenantID
	}
	for _, credential := range credentials {
		r.entries = append(r.entries, entry{Credential: credential})
	}
	c.records[id.Key()] = r
}

// AddAll adds the identities of a catalog's needs, in one region.
func (c *Cloud) AddAll(cat *catalog.Catalog, location string) {
	for i := range cat.Needs {
		if id := cat.Needs[i].Identity; !c.has(id.Key()) {
			c.Add(id, location)
		}
	}
}

func (c *Cloud) has(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.records[key] != nil
}

// State returns what every identity trusts now, whatever lag readers see.
func (c *Cloud) State() federation.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	state := federation.State{}
	for key, r := range c.records {
		state[key] = r.at(time.Now())
	}
	return state
}
