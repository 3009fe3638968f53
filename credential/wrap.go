package credential

import (
	"context"
	"log/slog"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// WrapOptions configures Wrap. Nil is the same as the zero value.
type WrapOptions struct {
	// ClientID, TenantID and ResourceID, where given, must be those of every token.
	// Tokens whose claims cannot be read are accepted: the inner credential answers for them.
	ClientID, TenantID, ResourceID string

	// StartupWindow, SteadyWindow, Rand, OnEvent and Logger are as in Options.
	StartupWindow, SteadyWindow time.Duration
	Rand                        func() float64
	OnEvent                     func(Event)
	Logger                      *slog.Logger

	// TryTimeout ends a single try. Default 30 s.
	TryTimeout time.Duration
}

// Wrap gives any credential what New gives: retries by the decision table, one flight
// for each token, a cache that reads without a lock, and errors that explain
// themselves. Credentials of azidentity are asked with their own retries switched
// off. Tries do not overlap, because a wrapped credential may serialise its callers.
// The identity is only checked against the options; New does more.
func Wrap(inner azcore.TokenCredential, opts *WrapOptions) (*Credential, error) {
	if inner == nil {
		return nil, &ConfigError{Setting: "inner", Problem: "nil", Remedy: "pass the credential to wrap"}
	}
	var w WrapOptions
	if opts != nil {
		w = *opts
	}
	timeout := w.TryTimeout
	if timeout <= 0 {
		timeout = defaultEntraTry
	}
	given := Options{StartupWindow: w.StartupWindow, SteadyWindow: w.SteadyWindow, Rand: w.Rand, OnEvent: w.OnEvent, Logger: w.Logger}
	s := settings{path: Wrapped, clientID: w.ClientID, tenantID: w.TenantID, resourceID: w.ResourceID}
	check := identityCheck{clientID: w.ClientID, tenantID: w.TenantID, resourceID: w.ResourceID, opaque: true}
	p := &provider{path: Wrapped, timeout: timeout, try: func(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, outcome, error) {
		once := policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1, TryTimeout: timeout})
		token, err := inner.GetToken(once, o)
		if err == nil {
			check := check
			if o.TenantID != "" {
				check.tenantID = o.TenantID
			}
			err = check.verify(token.Token)
		}
		if err != nil {
			return azcore.AccessToken{}, outcomeOf(err), err
		}
		return token, outcome{source: SourceWrapped}, nil
	}}
	return newCredential(given.withDefaults(), s, &route{main: p, state: fallbackOff}), nil
}
