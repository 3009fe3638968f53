package credential

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

const (
	// overlapAfter is when a try that is not answered gets a successor beside it.
	//
	// NMI holds a request for up to 100 s while an identity is being assigned, and
	// answers a new one at once when it is; a connection that reached a dying
	// listener is never answered at all. From outside the two look the same. So an
	// open request stays open, because its answer may come, and a new one on a new
	// connection goes out beside it, because its answer may come sooner.
	overlapAfter = 1200 * time.Millisecond
	// maxOpen is the most tries open at once: one below the number of concurrent
	// requests that the metadata service permits.
	// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq
	maxOpen = 4
)

// race holds the tries of one flight that are open. The oldest runs to its own
// timeout; of the others the oldest yields when there are too many. Used by one
// goroutine; only the tries run beside it.
type race struct {
	wake    func() // called when a result has arrived
	results chan result
	open    []lane
	started int
	last    time.Time // when the newest try started
	tries   sync.WaitGroup
}

type lane struct {
	id     int
	cancel context.CancelFunc
}

type result struct {
	id    int
	via   *provider
	token azcore.AccessToken
	out   outcome
	err   error
}

func newRace(wake func()) *race {
	return &race{wake: wake, results: make(chan result, maxOpen)}
}

// pending reports whether a result waits to be read.
func (r *race) pending() bool { return len(r.results) > 0 }

// next returns a result that waits, or starts a new try and returns the first result
// of any. A try that is not answered in time is left open and reported as unanswered.
func (r *race) next(ctx context.Context, p *provider, o policy.TokenRequestOptions) (result, error) {
	for r.pending() {
		if res := <-r.results; r.close(res) {
			return res, nil
		}
	}
	r.start(ctx, p, o)
	var patience <-chan time.Time
	if p.overlap {
		t := time.NewTimer(overlapAfter)
		defer t.Stop()
		patience = t.C
	}
	for {
		select {
		case res := <-r.results:
			if r.close(res) {
				return res, nil
			}
		case <-patience:
			return result{via: p, out: outcome{source: p.unansweredBy(), fault: FaultUnanswered, err: errUnanswered}, err: errUnanswered}, nil
		case <-ctx.Done():
			return result{via: p}, ctx.Err()
		}
	}
}

func (r *race) start(ctx context.Context, p *provider, o policy.TokenRequestOptions) {
	if len(r.open) == maxOpen {
		r.open[1].cancel()
		r.open = slices.Delete(r.open, 1, 2)
	}
	r.started++
	r.last = time.Now()
	id := r.started
	try, cancel := context.WithTimeout(ctx, p.timeout)
	r.open = append(r.open, lane{id, cancel})
	r.tries.Go(func() {
		defer cancel()
		res := result{id: id, via: p}
		res.token, res.out, res.err = p.try(try, o)
		if res.err != nil && errors.Is(try.Err(), context.Canceled) {
			return // it had to yield
		}
		select {
		case r.results <- res:
			r.wake()
		case <-ctx.Done():
		}
	})
}

// close forgets a try and reports whether its result counts: a token always does,
// a failure only if the try had not had to yield.
func (r *race) close(res result) bool {
	n := len(r.open)
	r.open = slices.DeleteFunc(r.open, func(l lane) bool { return l.id == res.id })
	return res.err == nil || len(r.open) < n
}

func (p *provider) unansweredBy() Source {
	if p.path == PodIdentity {
		return SourceMetadata
	}
	return SourceEntra
}
