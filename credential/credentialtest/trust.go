package credentialtest

import (
	"context"
	"errors"
	"time"
)

// Errors by which a [Trust] says what it does not know. Entra turns them into
// AADSTS90002 and AADSTS700016.
var (
	ErrUnknownTenant = errors.New("credentialtest: unknown tenant")
	ErrUnknownClient = errors.New("credentialtest: unknown client ID")
)

// FederatedCredential is what an identity trusts: tokens of one issuer, for one
// subject, with one audience, compared byte for byte.
type FederatedCredential struct {
	Name, Issuer, Subject, Audience string
	// Written is when it was created or last changed. Entra honours it only
	// [EntraOptions].Propagation later. Zero: long ago.
	Written time.Time
	// Removed is when it was deleted or replaced. Entra goes on honouring it for
	// [EntraOptions].Propagation. Zero: it is still there.
	Removed time.Time
}

// Identity is a user-assigned managed identity or an app registration.
type Identity struct {
	TenantID, ClientID string
	// ObjectID becomes the "oid" and "sub" of access tokens.
	ObjectID string
	// ResourceID becomes the "xms_mirid" of access tokens. Empty for an app
	// registration, whose tokens have no such claim.
	ResourceID string
	// Secret is a client secret of an app registration. Empty: none.
	Secret string
	// Disabled makes Entra refuse the identity with AADSTS7000112.
	Disabled bool
	// Credentials is what the identity trusts, removed ones included as long as
	// their removal may not have propagated.
	Credentials []FederatedCredential
}

// Trust is what Entra knows about identities. Implement it to let another
// double, for example one of ARM, be the one place where trust is written.
type Trust interface {
	// Identity returns the identity with that client ID, or an error that is
	// ErrUnknownTenant or ErrUnknownClient. Any other error is answered as an
	// internal error of Entra. IDs are to be compared without regard to case.
	// It is called once per token request, concurrently.
	Identity(ctx context.Context, tenantID, clientID string) (Identity, error)
}

// TrustFunc makes a function a [Trust].
type TrustFunc func(ctx context.Context, tenantID, clientID string) (Identity, error)

// Identity calls f.
func (f TrustFunc) Identity(ctx context.Context, tenantID, clientID string) (Identity, error) {
	return f(ctx, tenantID, clientID)
}

// visibleAt returns the credentials that have reached Entra's token endpoint.
func visibleAt(all []FederatedCredential, now time.Time, delay time.Duration) []FederatedCredential {
	var seen []FederatedCredential
	for _, c := range all {
		written := c.Written.IsZero() || !c.Written.Add(delay).After(now)
		removed := !c.Removed.IsZero() && !c.Removed.Add(delay).After(now)
		if written && !removed {
			seen = append(seen, c)
		}
	}
	return seen
}
