package federation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/wimigrate/wimigrate/catalog"
)

// attempt is one failed try, for whoever watches.
type attempt struct {
	n    int
	err  error
	wait time.Duration
}

// repeat calls f, paced, until it succeeds, fails for good, or patience or ctx ends. It returns the number of attempts. Where ctx ended
// between two attempts the error says what was wrong with the last one too.
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
	if err != nil && last != nil && !errors.Is(err, last) { // the wait for the next attempt was cut short
		err = fmt.Errorf("%w; before that: %w", err, last)
	}
	return n, err
}

// schedule is an exponential back-off with our jitter, stretched to what the service asked for in *last. Patience is spent by pauses
// alone: time in the queue for a rate says nothing about the request.
func (a *access) schedule(last *error) backoff.BackOff {
	return &hinted{last: last, jitter: a.jitter, left: a.patience, BackOff: backoff.NewExponentialBackOff(backoff.WithInitialInterval(a.backoff),
		backoff.WithMultiplier(2), backoff.WithRandomizationFactor(0), backoff.WithMaxInterval(maxBackoff), backoff.WithMaxElapsedTime(0))}
}

type hinted struct {
	backoff.BackOff
	last   *error
	jitter func() float64
	left   time.Duration
}

// NextBackOff is the pause, between half and one and a half of the schedule's, and never shorter than Retry-After.
func (h *hinted) NextBackOff() time.Duration {
	d := time.Duration(float64(h.BackOff.NextBackOff()) * (0.5 + h.jitter()))
	if refusal, ok := errors.AsType[*StoreError](*h.last); ok {
		d = max(d, refusal.RetryAfter)
	}
	if d > h.left {
		return backoff.Stop
	}
	h.left -= d
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
