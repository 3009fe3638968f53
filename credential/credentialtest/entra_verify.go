package credentialtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxAssertionLife is the longest life of an external token that Entra accepts,
// 25 hours: AADSTS70023.
const maxAssertionLife = 25 * time.Hour

// staleTrust is the trust of an identity as a request without a match left it.
type staleTrust struct {
	until       time.Time
	credentials []FederatedCredential
}

// checkAssertion decides about a federated token: first trust, then lifetime,
// then the issuer's keys and the signature, then the times.
func (e *Entra) checkAssertion(ctx context.Context, x *Exchange, id Identity, raw string) *refusal {
	t, err := parseJWT(raw)
	if err != nil {
		return &refusal{code: 50027}
	}
	if bad := e.checkTrust(x, id, t.claims); bad != nil {
		return bad
	}
	exp, hasExp := t.claims.Time("exp")
	nbf, hasNbf := t.claims.Time("nbf")
	if !hasNbf {
		nbf, hasNbf = t.claims.Time("iat")
	}
	if !hasExp || !hasNbf {
		return &refusal{code: 50027}
	}
	from, to := time.Unix(nbf, 0), time.Unix(exp, 0)
	if life := to.Sub(from); life > maxAssertionLife {
		return &refusal{70023, fmt.Sprintf("'%s'", life)}
	}
	if bad := e.checkSignature(ctx, t); bad != nil {
		return bad
	}
	// Entra allows five minutes of clock skew for a token that is not valid yet.
	if x.Time.Add(5*time.Minute).Before(from) || !x.Time.Before(to) {
		return &refusal{700024, fmt.Sprintf("assertion valid from %s, expiry time of assertion %s",
			from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))}
	}
	return nil
}

// checkTrust compares the assertion with the credentials that are visible now,
// and remembers them for a while if none matched.
func (e *Entra) checkTrust(x *Exchange, id Identity, c Claims) *refusal {
	visible := visibleAt(id.Credentials, x.Time, e.opts.Propagation)
	key := strings.ToLower(x.TenantID + "/" + x.ClientID)
	e.mu.Lock()
	defer e.mu.Unlock()
	stale, cached := e.refused[key]
	if cached && x.Time.Before(stale.until) {
		visible = stale.credentials
	} else if cached {
		delete(e.refused, key)
		cached = false
	}
	bad := match(visible, c)
	if bad != nil && !cached && e.opts.NegativeCache > 0 {
		e.refused[key] = staleTrust{until: x.Time.Add(e.opts.NegativeCache), credentials: visible}
	}
	return bad
}

// match finds a credential for the claims, byte for byte, or says what differs:
// the issuer, else the subject, else the audience, and whether only letter case
// does.
func match(credentials []FederatedCredential, c Claims) *refusal {
	if len(credentials) == 0 {
		return &refusal{code: 70025}
	}
	type part struct {
		name, value string
		code        int
		of          func(FederatedCredential) string
	}
	issuer, subject, audiences := c.String("iss"), c.String("sub"), c.Audiences()
	left := credentials
	for _, p := range []part{
		{"issuer", issuer, 700211, func(f FederatedCredential) string { return f.Issuer }},
		{"subject", subject, 700213, func(f FederatedCredential) string { return f.Subject }},
	} {
		var same []FederatedCredential
		near := false
		for _, f := range left {
			if p.of(f) == p.value {
				same = append(same, f)
			}
			near = near || strings.EqualFold(p.of(f), p.value)
		}
		switch {
		case len(same) == 0 && near:
			return &refusal{7002138, fmt.Sprintf("%s '%s'", p.name, p.value)}
		case len(same) == 0:
			return &refusal{code: p.code}
		}
		left = same
	}
	for _, f := range left {
		if slices.Contains(audiences, f.Audience) {
			return nil
		}
	}
	for _, f := range left {
		for _, aud := range audiences {
			if strings.EqualFold(f.Audience, aud) {
				return &refusal{7002138, fmt.Sprintf("audience '%s'", aud)}
			}
		}
	}
	return &refusal{code: 700212}
}
