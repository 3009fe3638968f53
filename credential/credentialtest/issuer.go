package credentialtest

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Paths that an issuer serves below its URL, as AKS does.
const (
	discoveryPath = "/.well-known/openid-configuration"
	keysPath      = "/openid/v1/jwks"
)

// IssuerOptions change how an [Issuer] is made. Nil means all defaults.
type IssuerOptions struct {
	// Key signs the tokens. Nil: a fresh RSA key of 2048 bits.
	Key *rsa.PrivateKey
}

// Issuer is the OIDC issuer of one cluster: it mints service-account tokens and
// serves the documents by which others verify them. It is an [http.Handler] for
// its discovery document and key set, at any host, below the path of its URL.
// It is safe for concurrent use.
type Issuer struct {
	url  string
	path string

	mu        sync.Mutex
	signing   signingKey
	published []signingKey
	document  func(map[string]any)
	fault     http.Handler
	fetches   map[string]int
}

// NewIssuer returns an issuer whose tokens say "iss": issuerURL, byte for byte.
// The URL must be absolute; a slash at its end is kept, because it matters to
// Entra. It fails if the URL is not absolute or no key can be made.
func NewIssuer(issuerURL string, opts *IssuerOptions) (*Issuer, error) {
	u, err := url.Parse(issuerURL)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return nil, fmt.Errorf("credentialtest: issuer URL %q is not absolute", issuerURL)
	}
	if opts == nil {
		opts = &IssuerOptions{}
	}
	key, err := newSigningKey(opts.Key)
	if err != nil {
		return nil, fmt.Errorf("credentialtest: issuer %s: %w", issuerURL, err)
	}
	return &Issuer{
		url: issuerURL, path: strings.TrimSuffix(u.Path, "/"),
		signing: key, published: []signingKey{key}, fetches: map[string]int{},
	}, nil
}

// URL returns the issuer's URL, exactly as tokens carry it.
func (i *Issuer) URL() string { return i.url }

// KeyID returns the "kid" of the key that signs now.
func (i *Issuer) KeyID() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.signing.id
}

// Fetches returns how often each document was asked for, by path below the
// issuer's URL.
func (i *Issuer) Fetches() map[string]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.fetches)
}

// ServeHTTP serves the discovery document and the key set.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, below := strings.CutPrefix(r.URL.Path, i.path)
	i.mu.Lock()
	if below {
		i.fetches[path]++
	}
	fault, doc, keys := i.fault, i.discoveryLocked(), publish(i.published...)
	i.mu.Unlock()
	switch {
	case fault != nil:
		fault.ServeHTTP(w, r)
	case below && path == discoveryPath:
		writeJSON(w, http.StatusOK, doc)
	case below && path == keysPath:
		writeJSON(w, http.StatusOK, keys)
	default:
		http.NotFound(w, r)
	}
}

func (i *Issuer) discoveryLocked() map[string]any {
	doc := map[string]any{
		"issuer":                                i.url,
		"jwks_uri":                              strings.TrimSuffix(i.url, "/") + keysPath,
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	}
	if i.document != nil {
		i.document(doc)
	}
	return doc
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
