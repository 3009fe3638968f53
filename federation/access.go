package federation

import (
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"
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
	a := &access{store: s, arm: ARMRates(), graph: GraphRates(), identities: p.Identities, patience: p.Patience, backoff: p.Backoff, jitter: p.Jitter,
		buckets: map[string]*rate.Limiter{}, sent: map[string]time.Time{}}
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
