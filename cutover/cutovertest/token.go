package cutovertest

import (
	"errors"
	"fmt"
	"time"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// patience is how long an application with the credential package tries before a token counts as failed, and how often.
const (
	patience  = 100 * time.Second
	retryTime = 2 * time.Second
)

// SDK says how the application in a pod gets its tokens.
type SDK string

const (
	// SDKCredential uses this module's credential package: workload identity where the pod carries it, else IMDS, with patience.
	SDKCredential SDK = ""
	// SDKOld knows IMDS alone, whatever the webhook injects: it stays on the old path and looks healthy. Behind the migration proxy it
	// still asks IMDS, and gets the tokens that the proxy exchanges.
	SDKOld SDK = "imds"
)

// take takes a token, and will again: one attempt now, retries within patience.
func (p *pod) take(since time.Time) {
	if p.over {
		return
	}
	f := p.w.c.fleet
	became, err := p.attempt()
	switch {
	case err != nil && f.now.Sub(since) < time.Duration(float64(patience)*f.opts.Pace):
		f.after(retryTime, func() { p.take(since) })
		return
	case err != nil:
		p.failed++
		p.lastError = "no token"
		f.tally.Failed++
		f.guard.tokenFailed(p, err)
		if len(f.tally.Failures) < 5 {
			f.tally.Failures = append(f.tally.Failures, fmt.Sprintf("%s/%s: %v", p.w.c.name, p.o.name(), err))
		}
	default:
		f.tally.Taken++
		p.became = became
		if became != p.w.app.clientID() {
			f.tally.Wrong++
		}
	}
	every := f.opts.TokenEvery
	if p.w.app.TokenEvery > 0 {
		every = p.w.app.TokenEvery
	}
	f.after(f.some(every*9/10, every), func() { p.take(f.now) })
}

// newWay reports whether the pod's tokens come by the new path: to the application itself, or by the migration proxy.
func (p *pod) newWay() bool { return p.injected && (p.w.app.SDK == SDKCredential || p.redirected) }

// attempt asks for one token by the path of the application, and returns the client ID that it was issued to.
func (p *pod) attempt() (string, error) {
	c := p.w.c
	if p.redirected && !p.proxied && p.w.app.SDK == SDKOld {
		return "", errors.New("dial tcp 169.254.169.254:80: connect: connection refused")
	}
	if p.newWay() {
		subject := workloadid.Subject(p.o.ns(), p.account)
		if err := c.fleet.exchange(p.client, c.issuer, subject, workloadid.Audience); err != nil {
			return "", err
		}
		p.newPath++
		c.fleet.tally.NewPath++
		c.fleet.signedIn(p.client, true)
		return p.client, nil
	}
	became, err := c.nmi.token(c, p)
	if err == nil {
		p.oldPath++
		c.fleet.tally.OldPath++
		c.fleet.signedIn(became, false)
	}
	return became, err
}
