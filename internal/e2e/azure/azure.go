// Package azure is the Azure side of a test fleet in one process: ARM and Graph, which hold identities and what they trust, and Entra, which
// believes them after a propagation delay and verifies tokens against the API servers' real keys.
package azure

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
	"github.com/wimigrate/wimigrate/federation/federationtest"
	"github.com/wimigrate/wimigrate/internal/e2e/fault"
	"github.com/wimigrate/wimigrate/internal/e2e/pki"
	"github.com/wimigrate/wimigrate/internal/e2e/serve"
)

// TenantID is the tenant of a fleet's identities.
const TenantID = "72f988bf-0000-4000-8000-2d7cd011db47"

// SubscriptionID is the subscription of a fleet's identities and clusters.
const SubscriptionID = "5b3a0000-0000-4000-8000-000000000001"

// Options shape the doubles. The zero value is a good day, with a little propagation delay.
type Options struct {
	// Propagation is how long a change of trust takes to be honoured; 0 means 2 s, negative none.
	Propagation time.Duration
	// NegativeCache is how long a refused trust stays refused; see [credentialtest.EntraOptions].
	NegativeCache time.Duration
	// TokenLifetime is the life of access tokens; 0 means 24 h.
	TokenLifetime time.Duration
	// KeyCache is how long Entra keeps an issuer's keys; 0 means 2 s, negative not at all.
	KeyCache time.Duration
	// Seed drives all that is random.
	Seed uint64
	// Cloud shapes ARM and Graph. TenantID is set by this package.
	Cloud federationtest.CloudOptions
}

// Azure is the Azure side of one fleet. It is safe for concurrent use.
type Azure struct {
	// Cloud is the state behind ARM and Graph, and what Entra believes.
	Cloud *federationtest.Cloud
	// Entra verifies and issues tokens.
	Entra *credentialtest.Entra
	// EntraURL is Entra's authority host, with a slash at the end as AZURE_AUTHORITY_HOST has; ARMURL and GraphURL have none.
	EntraURL, ARMURL, GraphURL string
	// EntraFaults, ARMFaults and GraphFaults break what goes there; KeyFaults what Entra fetches of an issuer.
	EntraFaults, ARMFaults, GraphFaults, KeyFaults *fault.Injector

	mu        sync.Mutex
	ensured   map[string]bool // by client ID
	authority *pki.Authority
	servers   []*serve.Server
}

// Start starts the doubles. Close them when done.
func Start(authority *pki.Authority, opts Options) (*Azure, error) {
	opts.Cloud.TenantID = TenantID
	a := &Azure{authority: authority, ensured: map[string]bool{}, Cloud: federationtest.NewCloud(&opts.Cloud),
		EntraFaults: fault.New(opts.Seed), ARMFaults: fault.New(opts.Seed + 1), GraphFaults: fault.New(opts.Seed + 2), KeyFaults: fault.New(opts.Seed + 3)}
	entra, err := credentialtest.NewEntra(credentialtest.TrustFunc(a.trust), &credentialtest.EntraOptions{
		Transport:   a.KeyFaults.Transport(issuers{a.transport()}),
		Propagation: orDefault(opts.Propagation, 2*time.Second), NegativeCache: opts.NegativeCache,
		TokenLifetime: opts.TokenLifetime, KeyCache: orDefault(opts.KeyCache, 2*time.Second), Seed: opts.Seed,
	})
	if err != nil {
		return nil, fmt.Errorf("azure: %w", err)
	}
	a.Entra = entra
	for _, s := range []struct {
		name    string
		handler http.Handler
		faults  *fault.Injector
		url     *string
	}{
		{"entra", entra, a.EntraFaults, &a.EntraURL},
		{"arm", a.Cloud.ARM(), a.ARMFaults, &a.ARMURL},
		{"graph", a.Cloud.Graph(), a.GraphFaults, &a.GraphURL},
	} {
		server, err := serve.TLS(authority, s.name, s.faults.Wrap(s.handler))
		if err != nil {
			a.Close()
			return nil, fmt.Errorf("azure: %w", err)
		}
		a.servers = append(a.servers, server)
		*s.url = server.URL
	}
	a.EntraURL += "/"
	return a, nil
}

func (a *Azure) transport() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.authority.Pool(), MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 64}
}

// trust tells Entra what ARM and Graph hold, with the times of each change: Entra adds the delay.
func (a *Azure) trust(ctx context.Context, tenantID, clientID string) (credentialtest.Identity, error) {
	have, err := a.Cloud.Identity(ctx, tenantID, clientID)
	switch {
	case errors.Is(err, federationtest.ErrUnknownTenant):
		return credentialtest.Identity{}, fmt.Errorf("%w: %w", credentialtest.ErrUnknownTenant, err)
	case errors.Is(err, federationtest.ErrUnknownClient):
		return credentialtest.Identity{}, fmt.Errorf("%w: %w", credentialtest.ErrUnknownClient, err)
	case err != nil:
		return credentialtest.Identity{}, err
	}
	id := credentialtest.Identity{TenantID: TenantID, ClientID: have.Identity.ClientID, ObjectID: have.ObjectID, ResourceID: have.Identity.ResourceID}
	for _, c := range have.Credentials {
		id.Credentials = append(id.Credentials, credentialtest.FederatedCredential{
			Name: c.Name, Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience, Written: c.Written, Removed: c.Removed})
	}
	return id, nil
}

func orDefault(d, zero time.Duration) time.Duration {
	switch {
	case d == 0:
		return zero
	case d < 0:
		return 0
	}
	return d
}

// Close stops the doubles.
func (a *Azure) Close() {
	for _, s := range a.servers {
		s.Close()
	}
}
