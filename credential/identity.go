package credential

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// identityCheck says whose tokens are accepted.
type identityCheck struct {
	clientID   string // empty: any
	tenantID   string // compared only if it is a GUID
	resourceID string // compared only with tokens that name one
	opaque     bool   // accept tokens whose claims cannot be read
}

// errMalformed is the error of an answer without a token. MSAL takes a JSON object
// with an expiry for a token, whether it holds one or not.
var errMalformed = errors.New("the answer holds no token")

// verify returns an *IdentityError for a token that is not the expected identity's.
func (c identityCheck) verify(token string) error {
	if token == "" {
		return errMalformed
	}
	got, err := ReadClaims(token)
	if err != nil {
		if c.opaque || c.clientID == "" {
			return nil
		}
		return &IdentityError{WantClientID: c.clientID, Reason: "the token's claims cannot be read, so nothing proves whose it is"}
	}
	bad := func(claim, want, have string) error {
		return &IdentityError{
			WantClientID: c.clientID, GotClientID: got.ClientID, GotResourceID: got.ResourceID, GotTenantID: got.TenantID,
			Reason: fmt.Sprintf("claim %s is %q, want %q", claim, have, want),
		}
	}
	switch {
	case c.clientID != "" && !strings.EqualFold(got.ClientID, c.clientID):
		return bad("appid", c.clientID, got.ClientID)
	case c.resourceID != "" && got.ResourceID != "" && !strings.EqualFold(got.ResourceID, c.resourceID):
		return bad("xms_mirid", c.resourceID, got.ResourceID)
	case isGUID(c.tenantID) && got.TenantID != "" && !strings.EqualFold(got.TenantID, c.tenantID):
		return bad("tid", c.tenantID, got.TenantID)
	}
	return nil
}

// isGUID reports whether s is a GUID and not, for example, a domain name.
func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			return false
		}
	}
	return true
}

// body is the shape of an answer from a token endpoint.
type tokenBody struct {
	AccessToken string
	Life        time.Duration // expires_in, if it is a sensible number of seconds
	Shape       string        // what it is when it is no token: "html", "array", "no access_token", "no expiry", "not JSON"
}

// readTokenBody reads a 200 answer of the metadata endpoint.
func readTokenBody(b []byte) tokenBody {
	trimmed := strings.TrimSpace(string(b))
	switch {
	case strings.HasPrefix(trimmed, "<"):
		return tokenBody{Shape: "html"}
	case strings.HasPrefix(trimmed, "["):
		return tokenBody{Shape: "array"}
	}
	var raw struct {
		AccessToken string          `json:"access_token"`
		ExpiresIn   json.RawMessage `json:"expires_in"`
		ExpiresOn   json.RawMessage `json:"expires_on"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return tokenBody{Shape: "not JSON"}
	}
	switch {
	case raw.AccessToken == "":
		return tokenBody{Shape: "no access_token"}
	case len(raw.ExpiresIn) == 0 && len(raw.ExpiresOn) == 0:
		return tokenBody{Shape: "no expiry"}
	}
	return tokenBody{AccessToken: raw.AccessToken, Life: readSeconds(raw.ExpiresIn)}
}

// longest is more than any token lives: long-lived ones have 28 hours.
const longest = 48 * time.Hour

// readSeconds reads a number of seconds that JSON holds as a number or a string.
func readSeconds(b json.RawMessage) time.Duration {
	n, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 32)
	if d := time.Duration(n) * time.Second; err == nil && d > 0 && d <= longest {
		return d
	}
	return 0
}
