package issuer

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
)

// rs256 is the one signing algorithm that Entra accepts
// (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations).
const rs256 = "RS256"

// minBits is the least size of an RSA key for RS256 (RFC 7518, section 3.3).
const minBits = 2048

// document is what counts of a discovery document (OpenID Connect Discovery 1.0, section 3).
type document struct {
	Issuer     string   `json:"issuer"`
	JWKSURI    string   `json:"jwks_uri"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
}

func parseDocument(raw []byte) (document, error) {
	var doc document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return document{}, fmt.Errorf("not a discovery document: %w", err)
	}
	return doc, nil
}

// Key is a public key that Entra can verify tokens with.
type Key struct {
	ID string `json:"id"`
	// Bits is the size of the RSA modulus.
	Bits int `json:"bits"`
}

// jwk is what counts of a JSON Web Key (RFC 7517, RFC 7518 section 6.3).
type jwk struct {
	ID        string `json:"kid"`
	Type      string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	Modulus   string `json:"n"`
	Exponent  string `json:"e"`
}

// parseKeys returns the keys that are for RS256, by ID, and says why the others are not. Keys for encryption are passed over.
func parseKeys(raw []byte) (usable []Key, unusable []string, err error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, nil, fmt.Errorf("not a key set: %w", err)
	}
	for _, k := range set.Keys {
		if k.Use == "enc" {
			continue
		}
		bits, err := k.bits()
		if err != nil {
			unusable = append(unusable, fmt.Sprintf("key %q: %v", k.ID, err))
			continue
		}
		usable = append(usable, Key{ID: k.ID, Bits: bits})
	}
	slices.SortFunc(usable, func(a, b Key) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Bits, b.Bits)) })
	slices.Sort(unusable)
	return usable, unusable, nil
}

// bits returns the size of an RS256 key.
func (k jwk) bits() (int, error) {
	if k.Type != "RSA" || k.Algorithm != "" && k.Algorithm != rs256 {
		return 0, fmt.Errorf("type %q with algorithm %q is not for %s: Entra refuses its tokens", k.Type, k.Algorithm, rs256)
	}
	n, err := base64.RawURLEncoding.DecodeString(k.Modulus)
	if err != nil {
		return 0, fmt.Errorf("the modulus is not base64url")
	}
	e, err := base64.RawURLEncoding.DecodeString(k.Exponent)
	if err != nil || new(big.Int).SetBytes(e).Cmp(big.NewInt(2)) <= 0 {
		return 0, fmt.Errorf("the exponent is not one of RSA")
	}
	bits := new(big.Int).SetBytes(n).BitLen()
	if bits < minBits {
		return 0, fmt.Errorf("%d bits are fewer than %d", bits, minBits)
	}
	return bits, nil
}
