package federationtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

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
