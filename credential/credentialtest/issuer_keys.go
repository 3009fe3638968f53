package credentialtest

import (
	"crypto/rsa"
	"fmt"
	"net/http"
)

// Rotate makes a new key the signing one and returns its "kid". Earlier keys
// stay published, as AKS keeps them for a day. A nil key means a fresh one.
func (i *Issuer) Rotate(key *rsa.PrivateKey) (string, error) {
	k, err := newSigningKey(key)
	if err != nil {
		return "", fmt.Errorf("credentialtest: issuer %s: rotate: %w", i.url, err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.signing = k
	i.published = append(i.published, k)
	return k.id, nil
}

// Retire stops publishing every key but the signing one: tokens that older keys
// signed can no longer be verified.
func (i *Issuer) Retire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.published = []signingKey{i.signing}
}

// Unpublish stops publishing all keys, the signing one too. Tokens are still
// minted, and nobody who reads the key set can verify them, until Retire or
// Rotate publishes a key again.
func (i *Issuer) Unpublish() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.published = nil
}

// Distort changes the discovery document before it is served: a wrong "issuer",
// a "jwks_uri" that leads nowhere, a member that is missing. Nil ends it. The
// function must not call the issuer.
func (i *Issuer) Distort(change func(document map[string]any)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.document = change
}

// Fail answers every request for a document with h, for example a [Canned] 503,
// until Fail(nil).
func (i *Issuer) Fail(h http.Handler) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fault = h
}
