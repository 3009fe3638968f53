package credentialtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
)

// signingKey is an RSA key and the name it is published under.
type signingKey struct {
	id      string
	private *rsa.PrivateKey
}

// newSigningKey names key by a hash of its modulus, so that a key given by the
// caller has the same name in every run; a nil key is replaced by a fresh one.
func newSigningKey(key *rsa.PrivateKey) (signingKey, error) {
	if key == nil {
		var err error
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return signingKey{}, err
		}
	}
	sum := sha256.Sum256(key.N.Bytes())
	return signingKey{id: base64.RawURLEncoding.EncodeToString(sum[:20]), private: key}, nil
}

type jwk struct {
	KeyType   string `json:"kty"`
	KeyID     string `json:"kid"`
	Use       string `json:"use,omitempty"`
	Algorithm string `json:"alg,omitempty"`
	Modulus   string `json:"n,omitempty"`
	Exponent  string `json:"e,omitempty"`
}

type jwks struct {
	Keys []jwk `json:"keys"`
}

func publish(keys ...signingKey) jwks {
	set := jwks{Keys: []jwk{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, jwk{
			KeyType: "RSA", KeyID: k.id, Use: "sig", Algorithm: "RS256",
			Modulus:  base64.RawURLEncoding.EncodeToString(k.private.N.Bytes()),
			Exponent: base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.private.E)).Bytes()),
		})
	}
	return set
}

// parseJWKS returns the RSA keys of a key set by name; keys of other types are
// left out, as a verifier of RS256 has no use for them.
func parseJWKS(body []byte) (map[string]*rsa.PublicKey, error) {
	var set jwks
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, err
	}
	if set.Keys == nil {
		return nil, errors.New("no member named keys")
	}
	keys := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		n, errN := base64.RawURLEncoding.DecodeString(k.Modulus)
		e, errE := base64.RawURLEncoding.DecodeString(k.Exponent)
		if k.KeyType != "RSA" || errN != nil || errE != nil || len(n) < 128 || len(e) == 0 || len(e) > 4 {
			continue
		}
		keys[k.KeyID] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	}
	return keys, nil
}
