package cutover

import (
	"context"
	"slices"
	"time"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// untilClear asks a gate again while it is inconclusive. A failure stands: what NMI served once it may serve again, however silent it is
// the next time.
func untilClear(g Gate, within, every time.Duration) Gate {
	return func(ctx context.Context, t Target) Verdict {
		for deadline := time.Now().Add(within); ; {
			v := g(ctx, t)
			left := time.Until(deadline)
			if v.Result == Pass || v.Result == Fail || left <= 0 {
				return v
			}
			if err := pause.For(ctx, min(every, left)); err != nil {
				return stopped(v, err)
			}
		}
	}
}

// ofRuns asks run for a workload whose pods come and go, such as a CronJob or a ScaledJob, and pods for the others.
func ofRuns(run, pods Gate) Gate {
	return func(ctx context.Context, t Target) Verdict {
		if slices.ContainsFunc(t.Workloads, func(w Workload) bool { return comesByRuns(w.Kind) }) {
			return run(ctx, t)
		}
		return pods(ctx, t)
	}
}

// inSingleRollout asks one gate for units that move in a single rollout, and another for all others.
func inSingleRollout(single, others Gate) Gate {
	return func(ctx context.Context, t Target) Verdict {
		if t.strategy().SingleRollout {
			return single(ctx, t)
		}
		return others(ctx, t)
	}
}

// ofCanary asks a gate where there is a canary. Where the object's own strategy cannot hold one, the rollout is under way, and the next
// step judges all of it.
func ofCanary(g Gate) Gate {
	return func(ctx context.Context, t Target) Verdict {
		if t.Canary > 0 {
			return g(ctx, t)
		}
		return Judge("canary", Evidence{Check: "V2", Object: t.Unit.ID, Got: "this rollout cannot be held at a canary; all of it is judged next", Result: Pass})
	}
}
