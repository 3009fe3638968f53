package cutovertest

import (
	"context"
	"sync"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/pause"
)

// Verdict is a gate that always gives one verdict.
func Verdict(result cutover.Result, reason string) cutover.Gate {
	return func(context.Context, cutover.Target) cutover.Verdict {
		return cutover.Verdict{Gate: "scripted", Result: result, Reason: reason}
	}
}

// ScriptedGate gives its verdicts in turn, and then the last one again and again.
func ScriptedGate(verdicts ...cutover.Verdict) cutover.Gate {
	var mu sync.Mutex
	next := 0
	return func(context.Context, cutover.Target) cutover.Verdict {
		mu.Lock()
		defer mu.Unlock()
		v := verdicts[min(next, len(verdicts)-1)]
		next++
		return v
	}
}

// PassGates are gates that pass whatever they see: for tests of a runner, never for a cluster.
func PassGates() cutover.Gates {
	pass := Verdict(cutover.Pass, "")
	return cutover.Gates{
		Preflight: pass, Trusted: pass, Annotated: pass, DualPath: pass, Load: pass, Canary: pass, Unbound: pass, LoadAgain: pass, Soak: pass,
	}
}

// Wait is a gate that takes its time and passes.
func Wait(d time.Duration) cutover.Gate {
	return func(ctx context.Context, _ cutover.Target) cutover.Verdict {
		if err := pause.For(ctx, d); err != nil {
			return cutover.Verdict{Gate: "wait", Result: cutover.Inconclusive, Reason: err.Error()}
		}
		return cutover.Verdict{Gate: "wait", Result: cutover.Pass}
	}
}
