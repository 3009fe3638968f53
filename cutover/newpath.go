package cutover

import (
	"context"
	"strings"
)

// NewPath returns a gate that asks witnesses of the new path, such as [OldPathSilent] and [TelemetryClean]: it passes if at least one
// passes and none fails. One witness that saw enough is enough; a witness against it counts in any case, so all are asked but for those
// after one that failed. Without a positive witness it is inconclusive, with the reasons of all.
func NewPath(witnesses ...Gate) Gate {
	const name = "new path"
	return func(ctx context.Context, t Target) Verdict {
		out := Verdict{Gate: name, Result: Inconclusive, Reason: "there is no witness to ask"}
		var reasons []string
		passed := false
		for _, witness := range witnesses {
			v := witness(ctx, t)
			out.Evidence = append(out.Evidence, v.Evidence...)
			switch v.Result {
			case Fail:
				out.Result, out.Reason = Fail, v.Gate+": "+v.Reason
				return out
			case Pass:
				passed = true
			case Inconclusive:
				fallthrough
			default:
				reasons = append(reasons, v.Gate+": "+v.Reason)
				out.Hold = v.Hold
			}
		}
		switch {
		case passed:
			out.Result, out.Reason, out.Hold = Pass, "", ""
		case len(reasons) > 0:
			out.Reason = strings.Join(reasons, "; ")
		}
		return out
	}
}
