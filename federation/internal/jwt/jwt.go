// Package jwt reads the claims of tokens that were got over a trusted way, without verifying them. Its errors hold no part of a token.
package jwt

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

var (
	errParts   = errors.New("it is no JSON Web Token")
	errPayload = errors.New("its payload is not base64url")
	errClaims  = errors.New("its payload is not a JSON object of claims")
)

// Claims decodes the payload of a token (RFC 7519).
func Claims(token string, into any) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return errParts
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return errPayload
	}
	if json.Unmarshal(payload, into) != nil {
		return errClaims
	}
	return nil
}

// Audience is the aud claim: one string, or a list of them (RFC 7519, section 4.1.3).
type Audience []string

// UnmarshalJSON accepts both forms.
func (a *Audience) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*a = Audience{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(a))
}
