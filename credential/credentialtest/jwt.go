package credentialtest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Claims is the payload of a JWT.
type Claims map[string]any

// String returns the claim as text, or "" when it is absent or not text.
func (c Claims) String(name string) string {
	s, _ := c[name].(string)
	return s
}

// Time returns a numeric claim in seconds since 1970, and whether it is there.
func (c Claims) Time(name string) (int64, bool) {
	switch n := c[name].(type) {
	case float64:
		return int64(n), true
	case int64:
		return n, true
	}
	return 0, false
}

// Audiences returns "aud", which may be one text or a list.
func (c Claims) Audiences() []string {
	switch aud := c["aud"].(type) {
	case string:
		return []string{aud}
	case []string:
		return aud
	case []any:
		var all []string
		for _, a := range aud {
			if s, ok := a.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}

type jwtHeader struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid,omitempty"`
	X5T       string `json:"x5t,omitempty"`
	Type      string `json:"typ,omitempty"`
}

// token is a JWT that was split and decoded, its signature not yet checked.
type token struct {
	header    jwtHeader
	claims    Claims
	signed    string
	signature []byte
}

var errMalformedToken = errors.New("not a JWT of three base64url parts")

func signJWT(key *rsa.PrivateKey, header jwtHeader, claims Claims) (string, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	c, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("claims are not JSON: %w", err)
	}
	signed := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}

// strict64 refuses what another text would decode to the same bytes.
var strict64 = base64.RawURLEncoding.Strict()

func parseJWT(raw string) (*token, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 || strings.ContainsAny(raw, "\r\n") {
		return nil, errMalformedToken
	}
	var t token
	for i, into := range []any{&t.header, &t.claims} {
		b, err := strict64.DecodeString(parts[i])
		if err != nil {
			return nil, errMalformedToken
		}
		if err := json.Unmarshal(b, into); err != nil {
			return nil, errMalformedToken
		}
	}
	sig, err := strict64.DecodeString(parts[2])
	if err != nil || t.claims == nil {
		return nil, errMalformedToken
	}
	t.signed, t.signature = parts[0]+"."+parts[1], sig
	return &t, nil
}

func (t *token) verify(key *rsa.PublicKey) error {
	if t.header.Algorithm != "RS256" {
		return fmt.Errorf("algorithm %q is not RS256", t.header.Algorithm)
	}
	sum := sha256.Sum256([]byte(t.signed))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], t.signature)
}
