package cutover

import (
	"context"
	"slices"
	"strings"
)

// NewPath returns a gate that asks witnesses of the new path, such as [OldPathSilent] and [TelemetryClean]: it passes if at least one
// passes and none fails. One witness that saw enough is enough; a witness against it counts in any case, so all are asked but for those
// after one that failed. Where the unit carries the migration sidecar, NMI's silence (V4) must be among what passed: its application
// cannot know who answered. Without a positive witness it is inconclusive, with the reasons of all.
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
				passed = passed || !t.strategy().Sidecar || sawNMI(v)
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
		case t.strategy().Sidecar:
			out.Reason = "no witness has read NMI's counters, and with a sidecar they alone can tell"
		}
		return out
	}
}

// sawNMI reports whether a verdict rests on NMI's counters.
func sawNMI(v Verdict) bool {
	return slices.ContainsFunc(v.Evidence, func(e Evidence) bool { return e.Check == "V4" && e.Result == Pass })
}
