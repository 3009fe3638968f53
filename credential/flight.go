package credential

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// flight is one token on its way, and whoever waits for it.
type flight struct {
	began  time.Duration
	done   chan struct{} // closed when token and err are set
	token  azcore.AccessToken
	err    error
	so     atomic.Pointer[TokenError] // the story so far, for those who leave early
	failed chan struct{}              // closed at the first failure
}

func (f *flight) note(e *TokenError) {
	if f.so.Swap(e) == nil {
		close(f.failed)
	}
}

// join returns the entry's flight for these claims, and starts one if there is none,
// or the last one if that has just failed: a program that asks in a loop must not
// burden the source for the whole node.
// The flight does not end with the caller's context, because others may have joined
// it; it ends with its window at the latest.
func (c *Credential) join(ctx context.Context, e *entry, o policy.TokenRequestOptions) *flight {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f := e.flights[o.Claims]; f != nil {
		return f
	}
	f := &flight{began: c.clock(), done: make(chan struct{}), failed: make(chan struct{})}
	if o.Claims == "" && e.err != nil && c.clock() < e.errUntil {
		f.err = e.err
		close(f.done)
		return f
	}
	e.flights[o.Claims] = f
	o.Scopes = e.scopes // the caller's slice is the caller's
	go c.fly(withoutValues(context.WithoutCancel(ctx)), e, f, o)
	return f
}

func (c *Credential) fly(ctx context.Context, e *entry, f *flight, o policy.TokenRequestOptions) {
	a, ctx := c.newAcquisition(ctx, f, o)
	token, err := a.run(ctx)
	c.land(e, f, o.Claims, token, err)
	a.finish()
}

// land hands the result to those who wait, and keeps the token.
func (c *Credential) land(e *entry, f *flight, claims string, token azcore.AccessToken, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.flights, claims)
	f.token, f.err = token, err
	if err == nil || claims == "" { // what a challenge asked for says nothing about other requests
		e.err, e.errUntil = err, c.clock()+failureRest
	}
	if err != nil {
		e.resting = c.clock() + refreshRest
	} else {
		f.token = c.keep(e, f, claims, token)
	}
	close(f.done)
}

// keep stores a token and returns the one to use. A token that was asked for before a
// challenge does not displace the one that answered it: it may be revoked.
func (c *Credential) keep(e *entry, f *flight, claims string, token azcore.AccessToken) azcore.AccessToken {
	next := newState(token, time.Now(), c.clock(), c.rand())
	next.asked, next.claims = f.began, claims != ""
	if old := e.state.Load(); old != nil {
		if old.claims && !next.claims && f.began <= old.asked && c.clock() < old.expires {
			return old.token
		}
		if !next.token.ExpiresOn.After(old.token.ExpiresOn) {
			e.resting = c.clock() + refreshRest // the source hands out what it has cached
		}
	}
	e.state.Store(next)
	return next.token
}

// await waits for a flight as long as the caller's context permits.
func (c *Credential) await(ctx context.Context, f *flight, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	select {
	case <-f.done:
		return f.token, f.err
	default:
	}
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return azcore.AccessToken{}, c.left(ctx, f, o)
	}
}

// left is the error of a caller whose context ended first: it reaches the context's
// error and the last failure.
func (c *Credential) left(ctx context.Context, f *flight, o policy.TokenRequestOptions) error {
	e := &TokenError{Path: c.settings.path, Scopes: o.Scopes, ClientID: c.settings.clientID, Meaning: "the caller's context ended before an answer came"}
	if so := f.so.Load(); so != nil {
		copied := *so
		e = &copied
	}
	e.Permanent = false
	e.errs = append([]error{ctx.Err()}, e.errs...)
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		e.errs = append(e.errs, cause)
	}
	return e
}
