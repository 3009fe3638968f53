package federation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/pause"
)

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
	if err := pause.For(ctx, time.Until(a.lastSent(own).Add(interval(r.Identity)))); err != nil {
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
