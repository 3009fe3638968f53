// Package azure is the Azure side of a test fleet in one process: Entra, which verifies tokens against the API servers' real keys, and the
// identities it knows.
package azure

import (
	"fmt"
	"net/http"
	"time"

	"crypto/tls"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
	"github.com/wimigrate/wimigrate/internal/e2e/pki"
	"github.com/wimigrate/wimigrate/internal/e2e/serve"
)

// TenantID is the tenant of a fleet's identities.
const TenantID = "72f988bf-0000-4000-8000-2d7cd011db47"

// SubscriptionID is the subscription of a fleet's identities and clusters.
const SubscriptionID = "5b3a0000-0000-4000-8000-000000000001"

// Options shape Entra. The zero value is Entra on a good day, with a little propagation delay.
type Options struct {
	// Propagation is how long a change of trust takes to be honoured; 0 means 2 s, negative none.
	Propagation time.Duration
	// NegativeCache is how long a refused trust stays refused; see [credentialtest.EntraOptions].
	NegativeCache time.Duration
	// TokenLifetime is the life of access tokens; 0 means 24 h.
	TokenLifetime time.Duration
	// Noise is the share of good exchanges refused for no reason.
	Noise float64
	// KeyCache is how long Entra keeps an issuer's keys; 0 means 2 s, negative not at all.
	KeyCache time.Duration
	// Seed drives all that is random.
	Seed uint64
}

// Azure is the Azure side of one fleet. It is safe for concurrent use.
type Azure struct {
	// Entra verifies and issues tokens. EntraURL is its authority host, with a slash at the end, as AZURE_AUTHORITY_HOST has.
	Entra    *credentialtest.Entra
	EntraURL string
	// Directory is what Entra believes.
	Directory *credentialtest.Directory

	servers []*serve.Server
}

// Start starts the doubles. Wrap, when not nil, is put in front of Entra's handler: a fault proxy, for example.
func Start(authority *pki.Authority, opts Options, wrap func(http.Handler) http.Handler) (*Azure, error) {
	a := &Azure{Directory: credentialtest.NewDirectory()}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.Pool(), MinVersion: tls.VersionTLS12}}
	entra, err := credentialtest.NewEntra(a.Directory, &credentialtest.EntraOptions{
		Transport: transport, Propagation: orDefault(opts.Propagation, 2*time.Second), NegativeCache: opts.NegativeCache,
		TokenLifetime: opts.TokenLifetime, Noise: opts.Noise, KeyCache: orDefault(opts.KeyCache, 2*time.Second), Seed: opts.Seed,
	})
	if err != nil {
		return nil, fmt.Errorf("azure: %w", err)
	}
	a.Entra = entra
	var h http.Handler = entra
	if wrap != nil {
		h = wrap(h)
	}
	server, err := serve.TLS(authority, "entra", h)
	if err != nil {
		return nil, fmt.Errorf("azure: %w", err)
	}
	a.servers = append(a.servers, server)
	a.EntraURL = server.URL + "/"
	return a, nil
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
