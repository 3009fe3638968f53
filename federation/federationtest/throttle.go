package federationtest

import (
	"math"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/wimigrate/wimigrate/federation"
)

// throttle holds the token buckets of a tenant. The caller serialises its use.
type throttle struct {
	arm, graph federation.Rates
	buckets    map[string]*rate.Limiter
}

func newThrottle(o CloudOptions) *throttle {
	return &throttle{arm: o.ARMRates, graph: o.GraphRates, buckets: map[string]*rate.Limiter{}}
}

// take takes a token of each bucket that the request falls into, or of none.
func (t *throttle) take(op, key string, graph bool) *refusal {
	rates := t.arm
	if graph {
		rates = t.graph
	}
	r := map[string]federation.Rate{federation.OpList: rates.List, federation.OpPut: rates.Put, federation.OpDelete: rates.Delete}[op]
	subscription, _, _ := strings.Cut(strings.TrimPrefix(key, "/subscriptions/"), "/")
	now := time.Now()
	var taken []*rate.Reservation
	for _, limit := range []struct {
		scope     string
		perSecond float64
	}{{"tenant", r.Tenant}, {"subscription " + subscription, r.Subscription}, {"identity " + key, r.Identity}} {
		scope, perSecond := limit.scope, limit.perSecond
		if perSecond <= 0 {
			continue
		}
		reservation := t.bucket(op+" "+scope, perSecond).ReserveN(now, 1)
		if delay := reservation.DelayFrom(now); delay > 0 {
			reservation.CancelAt(now)
			for _, other := range taken {
				other.CancelAt(now)
			}
			return &refusal{status: http.StatusTooManyRequests, code: "TooManyRequests", text: "The request was throttled: too many requests for the " + scope + ".",
				retryAfter: time.Duration(math.Ceil(delay.Seconds())) * time.Second}
		}
		taken = append(taken, reservation)
	}
	return nil
}

func (t *throttle) bucket(name string, perSecond float64) *rate.Limiter {
	b := t.buckets[name]
	if b == nil {
		b = rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond)))
		t.buckets[name] = b
	}
	return b
}
