package credentialtest

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// EntraOptions change how an [Entra] behaves. Nil means all defaults: Entra on a
// good day, without delay, noise or caches.
type EntraOptions struct {
	// Transport fetches the issuers' documents. Nil: [http.DefaultTransport]. Give
	// [Hosts] to stay in memory, or a transport that trusts your API servers' CA.
	Transport http.RoundTripper
	// Key signs access tokens. Nil: a fresh RSA key of 2048 bits.
	Key *rsa.PrivateKey
	// Propagation is how long a change of trust takes to be honoured.
	Propagation time.Duration
	// NegativeCache is how long the trust of an identity stays as it was when a
	// request found no match: asking too early makes it last longer. Azure's
	// documentation says "a couple of minutes".
	NegativeCache time.Duration
	// KeyCache is how long an issuer's keys are kept. Zero: fetched every time.
	KeyCache time.Duration
	// Noise is the share of good requests, 0 to 1, refused with AADSTS700213.
	// 0.022 was measured with a month-old credential (kedacore/keda#8152).
	Noise float64
	// Seed drives noise and the trace IDs.
	Seed uint64
	// TokenLifetime is the life of access tokens. Zero: 24 hours.
	TokenLifetime time.Duration
	// V2Tokens makes access tokens of version 2.0, with "azp" in place of "appid".
	V2Tokens bool
	// Resources are the ones that exist; others get AADSTS500011. Nil: all exist.
	Resources []string
	// Record is how many exchanges are remembered. Zero: 10,000.
	Record int
}

// Entra is a double of Microsoft Entra ID for workload identities: instance
// discovery, OpenID configuration, keys, and a token endpoint that verifies what
// it is given. It is an [http.Handler] for any host, and safe for concurrent use.
//
// Real azidentity credentials run against it. In memory, give them [Hosts] with
// the double at login.microsoftonline.com. Over sockets, see [Server.Cloud].
type Entra struct {
	opts  EntraOptions
	trust Trust
	key   signingKey

	mu        sync.Mutex
	random    *rand.Rand
	rule      Rule
	issuers   map[string]issuerKeys
	refused   map[string]staleTrust
	exchanges []Exchange
	total     int
}

// NewEntra returns an Entra that believes trust. It fails if trust is nil or no
// key can be made.
func NewEntra(trust Trust, opts *EntraOptions) (*Entra, error) {
	if trust == nil {
		return nil, errors.New("credentialtest: NewEntra needs a Trust")
	}
	e := &Entra{trust: trust, issuers: map[string]issuerKeys{}, refused: map[string]staleTrust{}}
	if opts != nil {
		e.opts = *opts
	}
	if e.opts.Transport == nil {
		e.opts.Transport = http.DefaultTransport
	}
	if e.opts.TokenLifetime == 0 {
		e.opts.TokenLifetime = 24 * time.Hour
	}
	if e.opts.Record == 0 {
		e.opts.Record = 10_000
	}
	var err error
	if e.key, err = newSigningKey(e.opts.Key); err != nil {
		return nil, fmt.Errorf("credentialtest: Entra: %w", err)
	}
	e.random = rand.New(rand.NewPCG(e.opts.Seed, 0x1d))
	return e, nil
}

// SetRule makes every later token request go through rule first. Nil ends it.
func (e *Entra) SetRule(rule Rule) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rule = rule
}

// ServeHTTP answers discovery, key and token requests, and 404 to the rest.
func (e *Entra) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tenant, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch path {
	case "discovery/instance":
		e.instanceDiscovery(w, r)
	case "v2.0/.well-known/openid-configuration", ".well-known/openid-configuration":
		e.openIDConfiguration(w, r, tenant)
	case "discovery/v2.0/keys", "discovery/keys":
		writeJSON(w, http.StatusOK, publish(e.key))
	case "oauth2/v2.0/token", "oauth2/token":
		e.token(w, r, tenant, path == "oauth2/token")
	default:
		http.NotFound(w, r)
	}
}

// traceID returns a GUID from the seed.
func (e *Entra) traceID() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	a, b := e.random.Uint64(), e.random.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(a>>32), uint16(a>>16), a&0xfff, b>>52, b&0xffffffffffff)
}

// unlucky says whether noise strikes a good request.
func (e *Entra) unlucky() bool {
	if e.opts.Noise <= 0 {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.random.Float64() < e.opts.Noise
}
