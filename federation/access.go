package federation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"golang.org/x/time/rate"

	"github.com/wimigrate/wimigrate/catalog"
)

// Pacing says how a Store is used. The zero value is right for Azure.
type Pacing struct {
	// ARM and Graph are the rates to stay under; nil is ARMRates and GraphRates.
	ARM, Graph *Rates
	// Identities is how many identities are worked on at once; 0 is 1000: the rates limit what is sent, not this.
	Identities int
	// Patience is how long one request is repeated after conflicts, throttling, failures, and an identity that is not there yet; 0 is
	// 10 minutes, negative tries once.
	Patience time.Duration
	// Backoff is the first pause between attempts, doubled up to a minute; 0 is 2 s. A longer wait that the service asks for is obeyed.
	Backoff time.Duration
	// Jitter returns numbers from 0 up to 1 that spread the pauses; nil draws them at random. It is called from several goroutines.
	Jitter func() float64
}

const (
	defaultIdentities = 1000
	defaultPatience   = 10 * time.Minute
	defaultBackoff    = 2 * time.Second
	maxBackoff        = time.Minute
	// margin keeps a little below the published rates: clocks and networks do not space requests as evenly as they are sent.
	margin = 0.99
)

// access is a Store under Pacing.
type access struct {
	store      Store
	arm, graph Rates
	identities int
	patience   time.Duration
	backoff    time.Duration
	jitter     func() float64

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
	sent    map[string]time.Time // by service, operation and identity
}

func newAccess(s Store, p Pacing) *access {
	a := &access{store: s, arm: ARMRates(), graph: GraphRates(), identities: p.Identities, patience: p.Patience, backoff: p.Backoff, jitter: p.Jitter, buckets: map[string]*rate.Limiter{}, sent: map[string]time.Time{}}
	if p.ARM != nil {
		a.arm = *p.ARM
	}
	if p.Graph != nil {
		a.graph = *p.Graph
	}
	if a.identities <= 0 {
		a.identities = defaultIdentities
	}
	if a.patience == 0 {
		a.patience = defaultPatience
	}
	if a.backoff <= 0 {
		a.backoff = defaultBackoff
	}
	if a.jitter == nil {
		a.jitter = rand.Float64
	}
	return a
}

// wait lets a request to an identity go when the service will take it. First the identity's own interval passes, measured from when its
// last request really went; then the request queues for its subscription's bucket, then for the tenant's, so that no token of a wide
// bucket lapses while a narrow one is awaited.
func (a *access) wait(ctx context.Context, op string, id catalog.Identity) error {
	rates, service := a.arm, "arm "
	if id.Kind == catalog.Application {
		rates, service = a.graph, "graph "
	}
	r := map[string]Rate{OpList: rates.List, OpPut: rates.Put, OpDelete: rates.Delete}[op]
	own := service + op + " " + id.Key()
	if err := sleep(ctx, time.Until(a.lastSent(own).Add(interval(r.Identity)))); err != nil {
		return err
	}
	for _, limit := range []struct {
		scope     string
		perSecond float64
	}{{"subscription " + subscriptionOf(id), r.Subscription}, {"tenant " + id.TenantID, r.Tenant}} {
		if limit.perSecond <= 0 {
			continue
		}
		if err := a.bucket(service+op+" "+limit.scope, limit.perSecond).Wait(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("no time left under the service's rate: %w", context.DeadlineExceeded)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent[own] = time.Now()
	return nil
}

func (a *access) lastSent(own string) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sent[own]
}

// interval is the time between two requests at a rate; none without a rate.
func interval(perSecond float64) time.Duration {
	if perSecond <= 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / (perSecond * margin))
}

// sleep ends early when the caller gives up.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *access) bucket(name string, perSecond float64) *rate.Limiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.buckets[name]
	if b == nil {
		b = rate.NewLimiter(rate.Limit(perSecond*margin), 1)
		a.buckets[name] = b
	}
	return b
}

func subscriptionOf(id catalog.Identity) string {
	sub, _, _ := strings.Cut(strings.TrimPrefix(id.Key(), "/subscriptions/"), "/")
	return sub
}

// attempt is one failed try, for whoever watches.
type attempt struct {
	n    int
	err  error
	wait time.Duration
}

// repeat calls f, paced, until it succeeds, fails for good, or patience or ctx ends. It returns the number of attempts.
func (a *access) repeat(ctx context.Context, op string, id catalog.Identity, notify func(attempt), f func() error) (int, error) {
	n := 0
	var last error
	schedule := a.schedule(&last)
	err := backoff.RetryNotify(func() error {
		if err := a.wait(ctx, op, id); err != nil {
			return backoff.Permanent(err)
		}
		n++
		last = f()
		if last != nil && (!temporary(last) || a.patience < 0) {
			return backoff.Permanent(last)
		}
		return last
	}, backoff.WithContext(schedule, ctx), func(err error, wait time.Duration) { notify(attempt{n, err, wait}) })
	return n, err
}

// schedule is an exponential back-off with our jitter, stretched to what the service asked for in *last.
func (a *access) schedule(last *error) backoff.BackOff {
	return &hinted{last: last, jitter: a.jitter, BackOff: backoff.NewExponentialBackOff(backoff.WithInitialInterval(a.backoff), backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(0), backoff.WithMaxInterval(maxBackoff), backoff.WithMaxElapsedTime(max(a.patience, 1)))}
}

type hinted struct {
	backoff.BackOff
	last   *error
	jitter func() float64
}

// NextBackOff is the pause, between half and one and a half of the schedule's, and never shorter than Retry-After.
func (h *hinted) NextBackOff() time.Duration {
	d := h.BackOff.NextBackOff()
	if d == backoff.Stop {
		return d
	}
	d = time.Duration(float64(d) * (0.5 + h.jitter()))
	if refusal, ok := errors.AsType[*StoreError](*h.last); ok {
		d = max(d, refusal.RetryAfter)
	}
	return d
}

// temporary reports whether trying again may help.
func temporary(err error) bool {
	for _, reason := range []error{ErrConflict, ErrThrottled, ErrUnavailable, ErrParentNotFound, ErrNotVisible} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}
