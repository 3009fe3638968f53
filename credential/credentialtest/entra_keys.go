package credentialtest

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// issuerKeys are the keys of an issuer, as fetched.
type issuerKeys struct {
	until time.Time
	keys  map[string]*rsa.PublicKey
}

// fetchTimeout bounds each request to an issuer.
const fetchTimeout = 10 * time.Second

// checkSignature verifies the token with the key that its issuer publishes.
func (e *Entra) checkSignature(ctx context.Context, t *token) *refusal {
	issuer := t.claims.String("iss")
	keys, bad := e.keysOf(ctx, issuer)
	if bad != nil {
		return bad
	}
	key, ok := keys[t.header.KeyID]
	if !ok {
		return &refusal{code: 7000272}
	}
	if err := t.verify(key); err != nil {
		return &refusal{700027, fmt.Sprintf("Key ID '%s': %s.", t.header.KeyID, err)}
	}
	return nil
}

func (e *Entra) keysOf(ctx context.Context, issuer string) (map[string]*rsa.PublicKey, *refusal) {
	now := time.Now()
	e.mu.Lock()
	have, ok := e.issuers[issuer]
	e.mu.Unlock()
	if ok && now.Before(have.until) {
		return have.keys, nil
	}
	keys, bad := e.fetchKeys(ctx, issuer)
	if bad == nil && e.opts.KeyCache > 0 {
		e.mu.Lock()
		e.issuers[issuer] = issuerKeys{until: now.Add(e.opts.KeyCache), keys: keys}
		e.mu.Unlock()
	}
	return keys, bad
}

// fetchKeys reads the discovery document and then the key set. Entra's choice
// between its three codes is not documented: here 50166 is a throttled issuer,
// 90061 one that cannot be reached, 501661 a wrong answer.
func (e *Entra) fetchKeys(ctx context.Context, issuer string) (map[string]*rsa.PublicKey, *refusal) {
	body, bad := e.fetch(ctx, strings.TrimSuffix(issuer, "/")+discoveryPath)
	if bad != nil {
		return nil, bad
	}
	var doc struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, &refusal{501661, "The discovery document of '" + issuer + "' is not JSON."}
	}
	if doc.Issuer != issuer {
		return nil, &refusal{501661, fmt.Sprintf("The discovery document of '%s' names the issuer '%s'.", issuer, doc.Issuer)}
	}
	if doc.JWKSURI == "" {
		return nil, &refusal{501661, "The discovery document of '" + issuer + "' has no jwks_uri."}
	}
	if body, bad = e.fetch(ctx, doc.JWKSURI); bad != nil {
		return nil, bad
	}
	keys, err := parseJWKS(body)
	if err != nil {
		return nil, &refusal{501661, "The key set of '" + issuer + "' is not a JWKS."}
	}
	return keys, nil
}

func (e *Entra) fetch(ctx context.Context, url string) ([]byte, *refusal) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, &refusal{501661, "'" + url + "' is not a URL."}
	}
	res, err := e.opts.Transport.RoundTrip(req)
	if err != nil {
		return nil, &refusal{90061, "'" + url + "' cannot be reached."}
	}
	defer drain(res.Body)
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusTooManyRequests:
		return nil, &refusal{50166, "'" + url + "' is throttled."}
	default:
		return nil, &refusal{501661, fmt.Sprintf("'%s' answered with status %d.", url, res.StatusCode)}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, &refusal{90061, "'" + url + "' broke off."}
	}
	return body, nil
}
