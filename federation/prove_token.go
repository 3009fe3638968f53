package federation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/federation/internal/jwt"
)

// Claims are what an access token says about the identity that it was issued to.
type Claims struct {
	// ClientID is appid or azp.
	ClientID string
	TenantID string
	// ResourceID is xms_mirid, which tokens of managed identities carry; empty for an application.
	ResourceID string
}

// AccessTokenClaims reads the claims of an access token without verifying it: the token has just come from Entra over TLS. The error
// does not hold any of it.
func AccessTokenClaims(token string) (Claims, error) {
	var c struct {
		AppID string `json:"appid"`
		AZP   string `json:"azp"`
		TID   string `json:"tid"`
		MIRID string `json:"xms_mirid"`
	}
	if err := jwt.Claims(token, &c); err != nil {
		return Claims{}, fmt.Errorf("federation: access token: %w", err)
	}
	if c.AppID == "" {
		c.AppID = c.AZP
	}
	return Claims{ClientID: c.AppID, TenantID: c.TID, ResourceID: c.MIRID}, nil
}

// assertionTriple reads what a service account's token carries. A token may have several audiences: the wanted one, if it is among them.
func assertionTriple(assertion, audience string) (Triple, error) {
	var c struct {
		Issuer   string       `json:"iss"`
		Subject  string       `json:"sub"`
		Audience jwt.Audience `json:"aud"`
	}
	if err := jwt.Claims(assertion, &c); err != nil {
		return Triple{}, fmt.Errorf("%w: %w", ErrWrongToken, err)
	}
	t := Triple{Issuer: c.Issuer, Subject: c.Subject, Audience: strings.Join(c.Audience, ", ")}
	if slices.Contains(c.Audience, audience) {
		t.Audience = audience
	}
	return t, nil
}

// difference names the parts that differ, and how, where it is one of the usual mistakes.
func difference(got, want Triple) string {
	var parts []string
	note := func(name, got, want string) {
		if got == want {
			return
		}
		hint := ""
		if nearly(got) == nearly(want) {
			hint = " (they differ by letter case, slash or space alone)"
		}
		parts = append(parts, fmt.Sprintf("%s is %q, trusted is %q%s", name, got, want, hint))
	}
	note("issuer", got.Issuer, want.Issuer)
	note("subject", got.Subject, want.Subject)
	note("audience", got.Audience, want.Audience)
	return strings.Join(parts, "; ")
}

// discreet is an error whose text does not hold the assertion, whoever put it there.
type discreet struct {
	err    error
	secret string
}

// Error is the error's text without the assertion.
func (d *discreet) Error() string {
	return "exchange: " + strings.ReplaceAll(d.err.Error(), d.secret, "[assertion]")
}

// Unwrap returns the error.
func (d *discreet) Unwrap() error { return d.err }

// Targets returns a ProofTarget for every triple that the plan wants; with the report of its Apply, the times of writing too.
func (p *Plan) Targets(r *Report) []ProofTarget {
	targets := []ProofTarget{}
	at := 0
	for id, changes := range p.ByIdentity() {
		for i := range changes {
			c := &changes[i]
			if c.Action != Delete {
				t := ProofTarget{Cluster: c.Cluster, Namespace: c.Namespace, ServiceAccount: c.ServiceAccount, Triple: c.Credential.Triple(), Identity: id.Identity}
				if r != nil && at+i < len(r.Outcomes) {
					t.Written = r.Outcomes[at+i].Written
				}
				targets = append(targets, t)
			}
		}
		at += len(changes)
	}
	return targets
}
