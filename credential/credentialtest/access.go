package credentialtest

import (
	"errors"
	"fmt"
	"time"
)

// AccessToken is a signed token and its times.
type AccessToken struct {
	Value                string
	NotBefore, ExpiresOn time.Time
}

// Issue signs an access token for the identity, as a successful request would
// get it. It asks for no proof: doubles of a token source, such as [IMDS], use it.
func (e *Entra) Issue(id Identity, resource string) (AccessToken, error) {
	return e.mint(id, resource, false)
}

// Verify checks that raw is an access token of this Entra that is valid now, and
// returns its claims: what a resource does before it lets a caller in.
func (e *Entra) Verify(raw string) (Claims, error) {
	t, err := parseJWT(raw)
	if err != nil {
		return nil, fmt.Errorf("credentialtest: access token: %w", err)
	}
	if t.header.KeyID != e.key.id {
		return nil, fmt.Errorf("credentialtest: access token is signed by an unknown key %q", t.header.KeyID)
	}
	if err := t.verify(&e.key.private.PublicKey); err != nil {
		return nil, fmt.Errorf("credentialtest: access token: %w", err)
	}
	now := time.Now().Unix()
	nbf, _ := t.claims.Time("nbf")
	exp, ok := t.claims.Time("exp")
	if !ok || now < nbf || now >= exp {
		return nil, errors.New("credentialtest: access token is not valid at this time")
	}
	return t.claims, nil
}

// mint signs an access token with the claims described in
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference.
func (e *Entra) mint(id Identity, resource string, cae bool) (AccessToken, error) {
	now := time.Now().Truncate(time.Second)
	end := now.Add(e.opts.TokenLifetime)
	c := Claims{
		"aud": resource, "tid": id.TenantID, "oid": id.ObjectID, "sub": id.ObjectID, "idtyp": "app",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": end.Unix(), "uti": e.traceID(),
	}
	if e.opts.V2Tokens {
		c["ver"], c["azp"], c["azpacr"] = "2.0", id.ClientID, "2"
		c["iss"] = "https://login.microsoftonline.com/" + id.TenantID + "/v2.0"
	} else {
		c["ver"], c["appid"], c["appidacr"] = "1.0", id.ClientID, "2"
		c["iss"] = "https://sts.windows.net/" + id.TenantID + "/"
		c["idp"] = c["iss"]
	}
	if id.ResourceID != "" {
		c["xms_mirid"] = id.ResourceID
	}
	if cae {
		c["xms_cc"] = []string{"CP1"}
	}
	raw, err := signJWT(e.key.private, jwtHeader{Algorithm: "RS256", KeyID: e.key.id, X5T: e.key.id, Type: "JWT"}, c)
	if err != nil {
		return AccessToken{}, fmt.Errorf("credentialtest: access token for %s: %w", id.ClientID, err)
	}
	return AccessToken{Value: raw, NotBefore: now, ExpiresOn: end}, nil
}
