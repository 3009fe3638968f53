package credential

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// ExchangeOptions configures Exchange. Nil is the same as the zero value.
type ExchangeOptions struct {
	azcore.ClientOptions
	// Scope of the token to ask for. Default: Azure Resource Manager of the cloud.
	Scope string
	// DisableInstanceDiscovery is passed to azidentity.ClientAssertionCredential.
	DisableInstanceDiscovery bool
}

// Exchange returns a function that proves a federated credential: it exchanges a
// service account token, once and without retries, and returns the claims of the
// access token it got. The token itself is dropped. Whoever waits for propagation
// calls it again; the error is a *TokenError whose Permanent says if that can help.
//
// A success proves one replica of Entra at one moment, not the one a pod will reach.
// The function is safe for concurrent use.
func Exchange(opts *ExchangeOptions) func(ctx context.Context, tenantID, clientID, assertion string) (Claims, error) {
	var o ExchangeOptions
	if opts != nil {
		o = *opts
	}
	if o.Scope == "" {
		o.Scope = defaultScope(o.ClientOptions, o.Cloud.ActiveDirectoryAuthorityHost)
	}
	shared := newDiscovery()
	return func(ctx context.Context, tenantID, clientID, assertion string) (Claims, error) {
		began := time.Now()
		ctx, seen := withTestimony(withoutValues(ctx))
		claims, err := exchange(ctx, o, shared, tenantID, clientID, assertion)
		if err == nil {
			return claims, nil
		}
		out := seen.outcome(err)
		shared.forget(out)
		d := decide(out)
		e := &TokenError{Path: WorkloadIdentity, Source: out.source, Scopes: []string{o.Scope}, ClientID: clientID,
			Decision: d.Name, Status: out.status, Codes: out.codes, Attempts: 1, Elapsed: time.Since(began),
			Permanent: d.Verdict == Permanent, Meaning: d.Meaning, Remedy: d.Remedy, Said: out.text}
		if d.NotFederated {
			e.errs = append(e.errs, ErrNotFederated)
		}
		if ctx.Err() != nil {
			e.errs = append(e.errs, ctx.Err())
		}
		e.errs = append(e.errs, out.err)
		if presented, err := ReadClaims(assertion); err == nil && len(out.codes) > 0 {
			explainFederation(e, presented, out.text)
		}
		return Claims{}, e
	}
}

func exchange(ctx context.Context, o ExchangeOptions, shared *discovery, tenantID, clientID, assertion string) (Claims, error) {
	inner, err := azidentity.NewClientAssertionCredential(tenantID, clientID,
		func(context.Context) (string, error) { return assertion, nil },
		&azidentity.ClientAssertionCredentialOptions{
			ClientOptions:            single(o.ClientOptions, defaultEntraTry, shared, witness{}),
			DisableInstanceDiscovery: o.DisableInstanceDiscovery,
		})
	if err != nil {
		return Claims{}, err
	}
	token, err := inner.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{o.Scope}})
	if err != nil {
		return Claims{}, err
	}
	if err := (identityCheck{clientID: clientID, tenantID: tenantID}).verify(token.Token); err != nil {
		return Claims{}, err
	}
	return ReadClaims(token.Token)
}
