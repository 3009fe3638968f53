package cutover

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// How long a gate waits for one answer of somebody who is not the API server. One that hangs must not stop a gate from looking at the rest,
// nor keep induced load up.
const (
	askEntra  = 30 * time.Second // and what identities trust
	askOracle = time.Minute      // it reads every NMI, or the pods of a workload
)

// errNoAnswer is what a question ends with that took too long.
var errNoAnswer = errors.New("no answer in time")

// bounded gives every question of a gate an end. Somebody who has just left one unanswered is not asked again for as long as that took: there
// may be as many questions as pods.
func (t Target) bounded() Target {
	if t.Exchanger != nil {
		t.Exchanger = &boundedExchanger{Exchanger: t.Exchanger, asking: asking{limit: askEntra}}
	}
	if t.Trust != nil {
		t.Trust = &boundedTrust{Trust: t.Trust, asking: asking{limit: askEntra}}
	}
	if t.Oracle != nil {
		t.Oracle = &boundedOracle{PathOracle: t.Oracle, asking: asking{limit: askOracle}}
	}
	return t
}

// asking remembers how patient to be with somebody. It is safe for concurrent use.
type asking struct {
	limit time.Duration
	mu    sync.Mutex
	until time.Time // nothing is asked before
}

// ask asks a question within the limit.
func ask[T any](ctx context.Context, a *asking, question func(ctx context.Context) (T, error)) (T, error) {
	var none T
	if a.silent() {
		return none, fmt.Errorf("%w: it left the last question open for %s", errNoAnswer, a.limit)
	}
	within, cancel := context.WithTimeout(ctx, a.limit)
	defer cancel()
	answer, err := question(within)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		a.mu.Lock()
		a.until = time.Now().Add(a.limit)
		a.mu.Unlock()
		return answer, fmt.Errorf("%w (%s): %w", errNoAnswer, a.limit, err)
	}
	return answer, err
}

func (a *asking) silent() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Now().Before(a.until)
}

type boundedExchanger struct {
	Exchanger
	asking asking
}

// Exchange implements Exchanger.
func (b *boundedExchanger) Exchange(ctx context.Context, r ExchangeRequest) (Claims, error) {
	return ask(ctx, &b.asking, func(ctx context.Context) (Claims, error) { return b.Exchanger.Exchange(ctx, r) })
}

type boundedTrust struct {
	Trust
	asking asking
}

// List implements Trust.
func (b *boundedTrust) List(ctx context.Context, id catalog.Identity) ([]federation.Credential, error) {
	return ask(ctx, &b.asking, func(ctx context.Context) ([]federation.Credential, error) { return b.Trust.List(ctx, id) })
}

type boundedOracle struct {
	PathOracle
	asking asking
}

// OldPath implements PathOracle.
func (b *boundedOracle) OldPath(ctx context.Context, cluster, namespace string) ([]NMIReading, error) {
	return ask(ctx, &b.asking, func(ctx context.Context) ([]NMIReading, error) { return b.PathOracle.OldPath(ctx, cluster, namespace) })
}

// Pods implements PathOracle.
func (b *boundedOracle) Pods(ctx context.Context, cluster, namespace string, pods []string) ([]PodPath, error) {
	return ask(ctx, &b.asking, func(ctx context.Context) ([]PodPath, error) { return b.PathOracle.Pods(ctx, cluster, namespace, pods) })
}
