package credential

import (
	"context"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Credential gets tokens for one identity. It is an azcore.TokenCredential, safe for
// concurrent use, and needs no Close: a request to the source runs beside its callers
// but never beyond its window, and nothing runs while nobody asks.
type Credential struct {
	settings settings
	metadata bool // the path is PodIdentity
	route    *route
	windows  *windows
	random   func() float64
	events   reporter
	begin    time.Time // the origin of the monotonic clock

	cache  cache
	pacer  pacer
	pulse  pulse
	ledger ledger

	randomMu sync.Mutex
}

var _ azcore.TokenCredential = (*Credential)(nil)

// New makes the credential of a pod. It reads the environment, decides on the path
// and pins both; it sends nothing. The error is a *ConfigError, which unwraps to
// ErrNoIdentity if the environment names no identity at all.
func New(opts *Options) (*Credential, error) {
	o := opts.withDefaults()
	s, err := choose(o)
	if err != nil {
		return nil, err
	}
	r := &route{state: fallbackOff}
	if s.path == PodIdentity {
		r.main, err = newMetadataProvider(o, s)
	} else {
		r.main, err = newEntraProvider(o, s)
	}
	if err != nil {
		return nil, err
	}
	if o.Fallback != nil {
		if err := r.permit(o, s); err != nil {
			return nil, err
		}
	}
	return newCredential(o, s, r), nil
}

func newCredential(o Options, s settings, r *route) *Credential {
	return &Credential{
		settings: s, metadata: s.path == PodIdentity, route: r, begin: time.Now(), random: o.Rand,
		windows: &windows{startup: o.StartupWindow, steady: o.SteadyWindow},
		events:  reporter{on: o.OnEvent, logger: o.Logger, identity: s.clientID},
	}
}

// permit prepares the fallback. It means nothing on the PodIdentity path.
func (r *route) permit(o Options, s settings) error {
	if o.Fallback.Until.IsZero() {
		return &ConfigError{Setting: "Fallback.Until", Problem: "required: a fallback without an end hides a migration that does not work",
			Remedy: "set the date by which workload identity must work"}
	}
	if s.path != WorkloadIdentity {
		return nil
	}
	pod := s
	pod.path = PodIdentity
	p, err := newMetadataProvider(o, pod)
	if err != nil {
		return err
	}
	r.fallback, r.rules, r.state = p, *o.Fallback, fallbackAllowed
	return nil
}

// GetToken returns a token for opts.Scopes, from the cache or from the source.
//
// A cached token costs no lock and no allocation. Callers that need the same token
// share one request, and each of them returns when its own context ends, whatever
// the others do. A request with claims always goes to the source. A token that is
// still valid is returned even if refreshing it fails.
//
// Errors are *TokenError, except for requests no source could answer.
func (c *Credential) GetToken(ctx context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if opts.Claims == "" {
		if c.metadata {
			opts.EnableCAE, opts.TenantID = false, "" // mean nothing there: one token serves all
		}
		if e := c.cache.find(&opts); e != nil {
			if s := e.state.Load(); s != nil && s.trusted.Load() {
				return s.token, nil
			}
		}
	}
	return c.getToken(ctx, opts)
}

// getToken is GetToken without a fresh token at hand.
func (c *Credential) getToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if err := c.settings.checkRequest(o); err != nil {
		return azcore.AccessToken{}, err
	}
	if c.metadata {
		o.EnableCAE, o.TenantID = false, ""
	}
	e := c.cache.add(o)
	if s := e.state.Load(); s != nil && o.Claims == "" {
		switch mono := c.clock(); s.judge(time.Now(), mono) {
		case fresh:
			s.trust(mono)
			return s.token, nil
		case due:
			c.refresh(ctx, e, o)
			return s.token, nil
		case closing:
			return c.replace(ctx, e, s, o)
		case expired:
		}
	}
	if err := ctx.Err(); err != nil {
		return azcore.AccessToken{}, &TokenError{Path: c.settings.path, Scopes: o.Scopes, ClientID: c.settings.clientID, errs: []error{err}}
	}
	token, err := c.await(ctx, c.join(ctx, e, o), o)
	if err != nil {
		c.ledger.without()
	}
	return token, err
}

// refresh starts a flight in the background, unless one has just failed.
func (c *Credential) refresh(ctx context.Context, e *entry, o policy.TokenRequestOptions) {
	e.mu.Lock()
	resting := c.clock() < e.resting
	e.mu.Unlock()
	if !resting {
		c.join(ctx, e, o)
	}
}

// replace replaces a token near its end: it waits for the successor until the first
// failure, and a moment at most, and then makes do with the old one.
func (c *Credential) replace(ctx context.Context, e *entry, s *state, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	e.mu.Lock()
	resting := c.clock() < e.resting
	e.mu.Unlock()
	if resting {
		return s.token, nil
	}
	f := c.join(ctx, e, o)
	patience := time.NewTimer(closingWait)
	defer patience.Stop()
	select {
	case <-f.done:
		if f.err == nil {
			return f.token, nil
		}
	case <-f.failed:
	case <-patience.C:
	case <-ctx.Done():
	}
	return s.token, nil
}

// clock is the time since the Credential was made, on the monotonic clock.
func (c *Credential) clock() time.Duration { return time.Since(c.begin) }

func (c *Credential) rand() float64 {
	c.randomMu.Lock()
	defer c.randomMu.Unlock()
	return c.random()
}

func (c *Credential) report(ctx context.Context, e Event) { c.events.report(ctx, e) }

func (c *Credential) fallbackEnded(ctx context.Context, why string) {
	c.report(ctx, Event{Kind: EventFallbackEnded, Path: c.route.main.path, Message: "back to workload identity for good: " + why})
}

func (s settings) checkRequest(o policy.TokenRequestOptions) error {
	switch {
	case len(o.Scopes) == 0 || o.Scopes[0] == "":
		return &ConfigError{Setting: "TokenRequestOptions.Scopes", Problem: "a token needs a scope", Remedy: "ask for <resource>/.default"}
	case s.path == PodIdentity && len(o.Scopes) > 1:
		return &ConfigError{Setting: "TokenRequestOptions.Scopes", Problem: "the metadata endpoint issues tokens for one scope at a time", Remedy: "ask for each"}
	}
	return nil
}
