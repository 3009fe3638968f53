package federationtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
	// PageSize is the number of credentials on a page of a listing; 0 is 10.
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
		c.opts.PageSize = 10
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

// Errors by which Identity and Trusts say what does not exist.
var (
	ErrUnknownTenant = errors.New("federationtest: unknown tenant")
	ErrUnknownClient = errors.New("federationtest: unknown client ID")
)

// Trusted is an identity as Entra's token endpoint knows it.
type Trusted struct {
	Identity catalog.Identity
	ObjectID string
	// Credentials are all there are and were.
	Credentials []TrustedCredential
}

// TrustedCredential is a credential and the time for which it was there; a zero Written is long ago, a zero Removed is not yet.
type TrustedCredential struct {
	federation.Credential
	Written, Removed time.Time
}

// Identity returns what is known of a client ID. Use it to feed a double of Entra that has propagation times of its own.
func (c *Cloud) Identity(_ context.Context, tenantID, clientID string) (Trusted, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, err := c.client(tenantID, clientID)
	if err != nil {
		return Trusted{}, err
	}
	t := Trusted{Identity: r.identity, ObjectID: r.objectID}
	for _, e := range r.entries {
		t.Credentials = append(t.Credentials, TrustedCredential{e.Credential, e.written, e.removed})
	}
	return t, nil
}

// Trusts returns the triples that Entra honours for a client ID by now, Propagation after their writing.
func (c *Cloud) Trusts(_ context.Context, tenantID, clientID string) ([]federation.Triple, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, err := c.client(tenantID, clientID)
	if err != nil {
		return nil, err
	}
	var triples []federation.Triple
	for _, credential := range r.at(time.Now().Add(-c.opts.Propagation)) {
		triples = append(triples, credential.Triple())
	}
	return triples, nil
}

func (c *Cloud) client(tenantID, clientID string) (*record, error) {
	if !strings.EqualFold(tenantID, c.opts.TenantID) {
		return nil, fmt.Errorf("%w %s", ErrUnknownTenant, tenantID)
	}
	for _, r := range c.records {
		if strings.EqualFold(r.identity.ClientID, clientID) {
			return r, nil
		}
	}
	return nil, fmt.Errorf("%w %s", ErrUnknownClient, clientID)
}
