package cutover

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// Judge makes a verdict of evidence: Fail if any of it failed, else Inconclusive if any is, or if there is none at all, else Pass. The
// reason names the first piece that decided.
func Judge(gate string, evidence ...Evidence) Verdict {
	v := Verdict{Gate: gate, Result: Pass, Evidence: evidence}
	if len(evidence) == 0 {
		v.Result, v.Reason = Inconclusive, "nothing was seen to judge"
		return v
	}
	for _, result := range []Result{Fail, Inconclusive} {
		i := slices.IndexFunc(evidence, func(e Evidence) bool { return rank(e.Result) == rank(result) })
		if i < 0 {
			continue
		}
		v.Result, v.Reason = result, evidence[i].String()
		if more := count(evidence, result) - 1; more > 0 {
			v.Reason += fmt.Sprintf(" (and %d more)", more)
		}
		return v
	}
	return v
}

func count(evidence []Evidence, result Result) int {
	n := 0
	for _, e := range evidence {
		if rank(e.Result) == rank(result) {
			n++
		}
	}
	return n
}

// String returns the evidence as one clause.
func (e Evidence) String() string {
	var b strings.Builder
	b.WriteString(e.Check)
	if e.Object != "" {
		b.WriteString(" " + e.Object)
	}
	if e.Got != "" {
		b.WriteString(": " + e.Got)
	}
	if e.Want != "" && e.Result != Pass {
		b.WriteString(", want " + e.Want)
	}
	return b.String()
}

// Named gives a gate's verdicts a name.
func Named(name string, g Gate) Gate {
	return func(ctx context.Context, t Target) Verdict {
		v := g(ctx, t)
		v.Gate = name
		return v
	}
}

// AllOf asks the gates one after the other and joins what they found: Fail at the first that fails, without asking the rest;
// Inconclusive if any was, after all were asked; else Pass. No gates at all is Inconclusive.
func AllOf(gates ...Gate) Gate {
	return func(ctx context.Context, t Target) Verdict {
		all := Verdict{Result: Pass}
		var names []string
		if len(gates) == 0 {
			all = Verdict{Result: Inconclusive, Reason: "there is no gate to ask"}
		}
		for _, g := range gates {
			v := g(ctx, t)
			names = append(names, v.Gate)
			all.Evidence = append(all.Evidence, v.Evidence...)
			if worse(v.Result, all.Result) {
				all.Result, all.Hold = v.Result, v.Hold
				all.Reason = v.Gate + ": " + v.Reason
			}
			if v.Result == Fail {
				break
			}
		}
		all.Gate = strings.Join(names, "+")
		return all
	}
}

// andThen asks a second gate once the first has passed. The verdict bears the first one's name.
func andThen(first, second Gate) Gate {
	return func(ctx context.Context, t Target) Verdict {
		v := first(ctx, t)
		if v.Result != Pass {
			return v
		}
		w := second(ctx, t)
		v.Evidence = append(v.Evidence, w.Evidence...)
		if w.Result != Pass {
			v.Result, v.Hold, v.Reason = w.Result, w.Hold, w.Gate+": "+w.Reason
		}
		return v
	}
}

// worse reports whether a result outranks another; one that is none of the three counts as inconclusive.
func worse(a, b Result) bool { return rank(a) > rank(b) }

func rank(r Result) int {
	switch r {
	case Pass:
		return 0
	case Fail:
		return 2
	case Inconclusive:
	}
	return 1
}

// Eventually asks a gate again until it passes or the time is over, and returns its last verdict: patience for what needs a moment to
// become true, such as an informer's cache. A failure is final only at the end. When ctx ends it returns at once.
func Eventually(g Gate, within, every time.Duration) Gate {
	return func(ctx context.Context, t Target) Verdict {
		deadline := time.Now().Add(within)
		for {
			v := g(ctx, t)
			left := time.Until(deadline)
			if v.Result == Pass || left <= 0 {
				return v
			}
			t.waits(v)
			if err := pause.For(ctx, min(every, left)); err != nil {
				return stopped(v, err)
			}
		}
	}
}

// Throughout asks a gate again and again for a while: it must pass every time. A failure ends it; an inconclusive look stays, so what
// was not seen all the time is not passed. The evidence is that of the last look, or of the one that decided.
func Throughout(g Gate, during, every time.Duration) Gate {
	return func(ctx context.Context, t Target) Verdict {
		deadline := time.Now().Add(during)
		var unclear *Verdict
		for looks := 1; ; looks++ {
			v := g(ctx, t)
			if v.Result == Fail {
				v.Reason = fmt.Sprintf("look %d: %s", looks, v.Reason)
				return v
			}
			if v.Result != Pass && unclear == nil {
				unclear = &v
			}
			left := time.Until(deadline)
			if left <= 0 {
				if unclear != nil {
					return *unclear
				}
				return v
			}
			if err := pause.For(ctx, min(every, left)); err != nil {
				return stopped(v, err)
			}
		}
	}
}

// stopped is the verdict when the context ended before the gate was through: what was seen so far, never a pass.
func stopped(v Verdict, err error) Verdict {
	if v.Result != Fail {
		v.Result = Inconclusive
	}
	v.Reason = strings.TrimPrefix(v.Reason+"; stopped: "+err.Error(), "; ")
	return v
}
