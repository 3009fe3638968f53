package credential

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/cenkalti/backoff/v4"
)

// errUnanswered is the error of a try that is still open.
var errUnanswered = errors.New("the request is not answered yet")

// acquisition is one token being fetched: its race of tries, its schedule, and the
// story so far. One goroutine drives it.
type acquisition struct {
	c        *Credential
	flight   *flight
	options  policy.TokenRequestOptions
	race     *race
	schedule *schedule
	alarm    *alarm
	cancel   context.CancelFunc
	began    time.Time
	beats    atomic.Int64 // pulses heard of
	deaf     atomic.Bool  // a Retry-After forbids to follow a pulse
	failure  failure
	lastErr  error // of the last try that ended
}

// failure is the last thing that went wrong.
type failure struct {
	via      *provider
	out      outcome
	decision Decision
}

// newAcquisition prepares to fetch a token. Its context ends when no window can be
// open any more. The caller runs it and then finishes it.
func (c *Credential) newAcquisition(ctx context.Context, f *flight, o policy.TokenRequestOptions) (*acquisition, context.Context) {
	// The first failure opens the window, and a try that is not answered counts.
	ctx, cancel := context.WithTimeout(ctx, c.windows.longest()+4*overlapAfter+c.slowest()+c.route.detour())
	a := &acquisition{c: c, flight: f, options: o, alarm: newAlarm(), cancel: cancel, began: time.Now()}
	a.race = newRace(a.alarm.ring)
	a.schedule = newSchedule(c.windows, &c.pacer, c.rand)
	a.alarm.reason = func() bool { return a.race.pending() || !a.deaf.Load() && a.beats.Load() != c.pulse.beats.Load() }
	return a, ctx
}

// run fetches the token, retrying as the decision table says.
func (a *acquisition) run(ctx context.Context) (azcore.AccessToken, error) {
	notify := func(_ error, wait time.Duration) { a.waiting(ctx, wait) }
	try := func() (azcore.AccessToken, error) { return a.try(ctx) }
	token, err := backoff.RetryNotifyWithTimerAndData(try, backoff.WithContext(a.schedule, ctx), notify, a.alarm)
	a.c.pulse.leave(a.alarm)
	if err != nil {
		return azcore.AccessToken{}, a.gaveUp(ctx)
	}
	return token, nil
}

// finish ends the requests that are still open, and returns when they have ended.
func (a *acquisition) finish() {
	a.alarm.Stop()
	a.cancel()
	a.race.tries.Wait()
}

// slowest is the time a try may take on a path whose tries do not overlap.
func (c *Credential) slowest() time.Duration {
	if c.route.main.overlap {
		return 0
	}
	return c.route.main.timeout
}

// try is backoff's operation: one step of the race.
func (a *acquisition) try(ctx context.Context) (azcore.AccessToken, error) {
	c := a.c
	c.pulse.leave(a.alarm)
	a.beats.Store(c.pulse.beats.Load())
	p, ended := c.route.current(time.Now())
	if ended {
		c.fallbackEnded(ctx, "the deadline has passed")
	}
	res, err := a.race.next(ctx, p, a.options)
	if err != nil {
		return azcore.AccessToken{}, backoff.Permanent(err)
	}
	if res.err == nil {
		a.succeeded(ctx, res)
		return res.token, nil
	}
	return azcore.AccessToken{}, a.failed(ctx, res)
}

func (a *acquisition) succeeded(ctx context.Context, res result) {
	c := a.c
	c.ledger.success(time.Now(), res.via.path, res.out.source)
	c.windows.success()
	if c.route.success(res.via) {
		c.fallbackEnded(ctx, "workload identity has had a token")
	}
	c.pulse.beat()
	c.report(ctx, Event{Kind: EventToken, Path: res.via.path, Source: res.out.source, Scope: strings.Join(a.options.Scopes, " "),
		Attempt: a.race.started, Expires: res.token.ExpiresOn})
}

func (a *acquisition) failed(ctx context.Context, res result) error {
	d := decide(res.out)
	if res.out.fault != FaultUnanswered {
		a.lastErr = res.out.err
	}
	a.failure = failure{via: res.via, out: res.out, decision: d}
	a.flight.note(a.error(ctx))
	a.schedule.failed(time.Now(), a.race.last, d, res.out.retryAfter)
	a.c.ledger.failure(time.Now(), res.via.path, res.out, d)
	if res.out.fault == FaultIdentity {
		a.c.report(ctx, a.event(EventWrongIdentity))
	}
	if a.c.route.failure(res.via, d, time.Now()) {
		a.c.windows.reset()
		a.schedule.Reset()
		a.schedule.failed(time.Now(), time.Time{}, Decision{Name: "fallback", Verdict: Retry}, 0) // at once
		a.c.report(ctx, a.event(EventFallbackStarted))
	}
	if a.schedule.decision.Verdict == Permanent {
		return backoff.Permanent(res.err)
	}
	return res.err
}

// waiting is backoff's notification before a delay.
func (a *acquisition) waiting(ctx context.Context, wait time.Duration) {
	e := a.event(EventFailed)
	e.Wait = wait
	a.c.report(ctx, e)
	a.deaf.Store(a.schedule.forbidden(time.Now()))
	a.c.pulse.join(a.alarm)
}

func (a *acquisition) gaveUp(ctx context.Context) error {
	err := a.error(ctx)
	e := a.event(EventGaveUp)
	e.Message = err.Error()
	a.c.report(ctx, e)
	return err
}

func (a *acquisition) event(kind EventKind) Event {
	f := a.failure
	e := Event{
		Kind: kind, Source: f.out.source, Scope: strings.Join(a.options.Scopes, " "), Attempt: a.race.started,
		Decision: f.decision.Name, Status: f.out.status, Codes: f.out.codes, Message: f.decision.Meaning,
	}
	if f.via != nil {
		e.Path = f.via.path
	}
	return e
}

// error tells the story so far.
func (a *acquisition) error(ctx context.Context) *TokenError {
	f := a.failure
	e := &TokenError{
		Path: a.c.settings.path, Source: f.out.source, Scopes: a.options.Scopes, ClientID: a.c.settings.clientID,
		Decision: f.decision.Name, Status: f.out.status, Codes: f.out.codes,
		Attempts: a.race.started, Elapsed: time.Since(a.began),
		Permanent: f.decision.Verdict == Permanent || f.decision.Verdict == RetryOnce,
		Meaning:   f.decision.Meaning, Remedy: f.decision.Remedy, Said: f.out.text,
	}
	if f.via != nil {
		e.Path = f.via.path
	}
	if f.decision.NotFederated {
		e.errs = append(e.errs, ErrNotFederated)
	}
	switch {
	case a.lastErr != nil:
		e.errs = append(e.errs, a.lastErr)
	case f.out.err != nil:
		e.errs = append(e.errs, f.out.err)
	case ctx.Err() != nil:
		e.errs = append(e.errs, ctx.Err())
	}
	a.c.explain(e, f.out)
	return e
}
