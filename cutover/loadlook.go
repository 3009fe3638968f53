package cutover

import (
	"context"
	"time"
)

// look probes, asks the witnesses, and judges the window.
func (r *loadRun) look(ctx context.Context) (Verdict, bool) {
	r.looks++
	r.probed = r.o.Probe(ctx, r.t)
	if !r.o.birthsOnly {
		r.quiet.read(ctx, r.t)
		r.askTelemetry(ctx)
	}
	r.also = r.also[:0]
	for _, g := range r.o.Also {
		r.also = append(r.also, g(ctx, r.t))
	}
	if ctx.Err() != nil {
		return r.stopped(ctx), true
	}
	if v := r.failure(); v.Result == Fail {
		return v, true
	}
	if r.probed.Result != Pass {
		return r.reopen(ctx, "the webhook probe saw nothing: "+r.probed.Reason)
	}
	if time.Since(r.opened) >= r.o.Window {
		v := r.judge()
		if v.Result != Inconclusive {
			return v, true
		}
		if r.quiet.gap != "" && r.loaded() { // all was seen but for a witness, and only a new window can still see it
			return r.reopen(ctx, r.quiet.gap)
		}
	}
	r.probeIdle(ctx)
	r.induce(ctx)
	v, done := r.overdue(true)
	if !done {
		r.t.waits(r.judge())
	}
	return v, done
}

// overdue is the end without enough load.
func (r *loadRun) overdue(look bool) (Verdict, bool) {
	if !look || time.Now().Before(r.deadline) {
		return Verdict{}, false
	}
	return r.judge(), true
}
