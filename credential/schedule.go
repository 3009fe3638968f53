package credential

import (
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	// Quick: requests leave at most 1.25 s, with jitter 1.5 s, after one another, so
	// that a source that has recovered is noticed within 2 s.
	quickFirst, quickGrowth, quickMost = 250 * time.Millisecond, 1.6, 1250 * time.Millisecond
	// Patient: Entra caches that it did not find a credential, and asking again soon
	// prolongs the wait.
	patientFirst, patientGrowth, patientMost = time.Second, 1.6, 8 * time.Second

	jitter     = 0.2              // of each delay, either way
	briefly    = 10 * time.Second // RetryBriefly
	minSpacing = 250 * time.Millisecond
)

// schedule is the backoff.BackOff of one flight: it turns decisions into delays.
// Not safe for concurrent use.
type schedule struct {
	windows *windows
	pacer   *pacer
	rand    func() float64

	quick, patient *backoff.ExponentialBackOff

	closes   time.Time            // end of the window; zero before the first failure
	firsts   map[string]time.Time // first failure of each decision
	counts   map[string]int
	decision Decision
	not      time.Time // a Retry-After forbids tries before this
	tried    time.Time // start of the newest try
	now      bool      // the next try is due at once
}

func newSchedule(w *windows, p *pacer, rand func() float64) *schedule {
	s := &schedule{windows: w, pacer: p, rand: rand}
	s.Reset()
	return s
}

func exponential(first time.Duration, growth float64, most time.Duration) *backoff.ExponentialBackOff {
	// The library's own jitter comes from the global source: off, ours is added.
	return backoff.NewExponentialBackOff(backoff.WithInitialInterval(first), backoff.WithMultiplier(growth),
		backoff.WithMaxInterval(most), backoff.WithRandomizationFactor(0), backoff.WithMaxElapsedTime(0))
}

// Reset implements backoff.BackOff.
func (s *schedule) Reset() {
	s.quick = exponential(quickFirst, quickGrowth, quickMost)
	s.patient = exponential(patientFirst, patientGrowth, patientMost)
	s.not, s.closes, s.firsts, s.counts = time.Time{}, time.Time{}, map[string]time.Time{}, map[string]int{}
}

// failed notes a failure. It opens the window if it is the first.
func (s *schedule) failed(now, tried time.Time, d Decision, after time.Duration) {
	if s.closes.IsZero() {
		s.closes = s.windows.open(now)
	}
	if _, ok := s.firsts[d.Name]; !ok {
		s.firsts[d.Name] = now
	}
	s.counts[d.Name]++
	s.decision, s.tried = d, tried
	s.now = slices.Contains(d.Faults, FaultUnanswered)
	if at := now.Add(after); after > 0 && at.After(s.not) {
		s.not = at
	}
}

// NextBackOff implements backoff.BackOff: how long until the next try, or backoff.Stop.
// The last try of a window leaves when it closes.
func (s *schedule) NextBackOff() time.Duration {
	now := time.Now()
	closes := s.closes
	switch s.decision.Verdict {
	case Permanent:
		return backoff.Stop
	case RetryOnce:
		if s.counts[s.decision.Name] > 1 {
			return backoff.Stop
		}
	case RetryBriefly:
		if brief := s.firsts[s.decision.Name].Add(briefly); brief.Before(closes) {
			closes = brief
		}
	case Retry:
	}
	remaining := closes.Sub(now)
	if remaining <= 0 {
		return backoff.Stop
	}
	wait := max(s.delay(now), s.not.Sub(now))
	return min(s.pacer.reserve(now, wait), remaining)
}

// forbidden reports whether a Retry-After forbids a try now.
func (s *schedule) forbidden(now time.Time) bool { return now.Before(s.not) }

// delay is measured from the start of the newest try, so that a slow failure does
// not delay the next one.
func (s *schedule) delay(now time.Time) time.Duration {
	if s.now {
		return 0
	}
	b := s.quick
	if s.decision.Pace == Patient {
		b = s.patient
	}
	d := float64(b.NextBackOff()) * (1 - jitter + 2*jitter*s.rand())
	return max(0, s.tried.Add(time.Duration(d)).Sub(now))
}

// pacer spaces the retries of all flights of a Credential, so that many scopes do
// not add up to a burst. The metadata service permits 20 requests a second to the
// whole node.
type pacer struct {
	mu   sync.Mutex
	next time.Time
}

// reserve returns the delay, at least wait, after which a try may leave.
func (p *pacer) reserve(now time.Time, wait time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := now.Add(wait)
	if wait > maxPaced {
		return wait // a Retry-After: far away, so it reserves nothing
	}
	if at.Before(p.next) {
		at = p.next
	}
	p.next = at.Add(minSpacing)
	return at.Sub(now)
}

// maxPaced is the longest delay that takes part in pacing.
const maxPaced = 10 * time.Second
