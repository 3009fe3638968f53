package cutover

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// pass asks a gate until it passes. Inconclusive holds the unit, for as long as the runner's patience in place; Fail freezes it.
func (u *unitRun) pass(ctx context.Context, s *Step, gate Gate) error {
	begin := time.Now()
	for {
		v, err := u.judge(ctx, s, gate)
		if err != nil {
			return err
		}
		switch v.Result {
		case Pass:
			return nil
		case Fail:
			return failed("%s: %s", v.Gate, v.Reason)
		case Inconclusive:
		}
		if v.Hold == "" {
			v.Hold = HoldEvidence
		}
		if time.Since(begin) >= u.r.opts.Patience {
			return held(v.Hold, "%s: %s", v.Gate, v.Reason)
		}
		waited, err := u.askLater(ctx, v.Hold, min(u.r.opts.SoakEvery, max(u.r.opts.Patience-time.Since(begin), time.Second)))
		if err != nil {
			return err
		}
		begin = begin.Add(waited)
	}
}

// askLater pauses before a gate is asked again. A unit whose gate could not see enough keeps its slot meanwhile: its pods are half-moved, and
// more evidence is a matter of minutes. What the gate has a name for, such as load, may take days. It returns how long the unit waited for
// its slot afterwards, which is nobody's patience.
func (u *unitRun) askLater(ctx context.Context, h Hold, pauseFor time.Duration) (time.Duration, error) {
	rest := func() error { return pause.For(ctx, pauseFor) }
	if h == HoldEvidence {
		return 0, rest()
	}
	begin := time.Now()
	err := u.aside(ctx, rest)
	return max(time.Since(begin)-pauseFor, 0), err
}

// judge asks the gate once, restores what it induced, and writes down what it saw.
func (u *unitRun) judge(ctx context.Context, s *Step, gate Gate) (Verdict, error) {
	t, err := u.target(ctx, s)
	if err != nil {
		return Verdict{}, err
	}
	u.probes = map[string]*IdleProbe{}
	v := u.tellProbes(gate(ctx, t))
	restore := u.lowerInduced
	if v.Result == Fail {
		restore = u.restoreInduced
		if ctx.Err() == nil {
			u.fleet.freeze() // the others stop now, however long the rest takes
		}
	}
	if err := restore(ctx); err != nil && v.Result != Fail { // after a failure it is tried once more, and told then
		return v, err
	}
	if err := ctx.Err(); err != nil {
		return v, err // what a gate says after it was told to stop counts for nothing
	}
	if v.Gate == "" {
		v.Gate = string(s.Kind)
	}
	switch v.Result {
	case Pass, Fail, Inconclusive:
	default:
		v.Reason = "the gate gave no verdict (" + string(v.Result) + ")"
		v.Result = Inconclusive
	}
	u.remember(s, v)
	u.tell(Event{Type: EventVerdict, Step: s.ID, Message: v.Reason, Verdict: &v})
	err = u.save(ctx)
	if v.Result == Fail && !errors.Is(err, ErrFenced) {
		err = nil // it has failed, whether that can be written down or not: who writes down the unit's end tells
	}
	return v, err
}

// remember keeps the last verdict of each step.
func (u *unitRun) remember(s *Step, v Verdict) {
	given := len(v.Evidence)
	v.Evidence = boundEvidence(v.Evidence)
	u.rec.Verdicts = slices.DeleteFunc(u.rec.Verdicts, func(x StepVerdict) bool { return x.Step == s.ID })
	u.rec.Verdicts = append(u.rec.Verdicts, StepVerdict{Step: s.ID, Verdict: v, Shed: given - len(v.Evidence)})
}

// maxEvidence bounds what the journal keeps of one verdict: what did not pass first, then the rest.
const maxEvidence = 20

func boundEvidence(all []Evidence) []Evidence {
	if len(all) <= maxEvidence {
		return all
	}
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b Evidence) int {
		return rank(b.Result) - rank(a.Result)
	})
	return out[:maxEvidence]
}

// target is what the gate of a step judges.
func (u *unitRun) target(ctx context.Context, s *Step) (Target, error) {
	t := Target{
		Plan: u.plan, Unit: u.unit, Step: s, Workloads: u.unit.Workloads, Cluster: u.cluster,
		Exchanger: u.r.opts.Exchanger, Trust: u.r.opts.Trust, Oracle: u.r.opts.Oracle, Revision: map[string]string{}, Baseline: u.rec.Baseline,
	}.bounded()
	if s.Workload != nil {
		t.Workloads = slices.DeleteFunc(slices.Clone(t.Workloads), func(w Workload) bool { return !w.Same(*s.Workload) })
	} else {
		t.Workloads = slices.DeleteFunc(slices.Clone(t.Workloads), func(w Workload) bool { return leftToFinish(w.Kind) })
	}
	if j, ok := u.r.journal.(*ConfigMapJournal); ok {
		t.journal = j.namespace
	}
	t.Waiting = u.waiting(s)
	u.allowProbes(&t, s)
	switch s.Kind {
	case StepLoad, StepLoadAgain, StepSoak:
		if s.Kind != StepLoad {
			t.Switched = u.rec.Switched
		}
		t.Since = time.Now()
		if u.plan.Limits.InducePods > 0 && s.Kind != StepSoak {
			t.Induce = func(ctx context.Context, i Induction) error { return u.induce(ctx, s, i) }
		}
	case StepCanary:
		k, err := u.canary(ctx, s)
		if err != nil {
			return t, err
		}
		t.Canary = k
	case StepRelease:
		t.Canary = u.released
	case StepPreflight, StepTrust, StepSuspend, StepAnnotate, StepLabel, StepDualPath, StepUnbind, StepSwitch, StepUnbound,
		StepResume, StepFinish:
	}
	for _, w := range t.Workloads {
		hash, err := u.revision(ctx, w)
		if err != nil {
			return t, err
		}
		if hash != "" {
			t.Revision[w.String()] = hash
		}
	}
	return t, nil
}

// revision is the hash that the pods of a workload's newest template carry; "" for a kind that has none.
func (u *unitRun) revision(ctx context.Context, w Workload) (string, error) {
	ref := w.Ref
	if w.Borrower != nil {
		ref = *w.Borrower
	}
	switch ref.Kind {
	case "Deployment", "StatefulSet", "DaemonSet", "Rollout":
	default:
		return "", nil
	}
	live, err := get(ctx, u.cluster, ref)
	if err != nil || live == nil {
		return "", err
	}
	child := ""
	switch ref.Kind {
	case "Deployment":
		child = "ReplicaSet"
	case "DaemonSet":
		child = "ControllerRevision"
	default:
		return Rollout(live, nil).Revision, nil
	}
	children, err := list(ctx, u.cluster, Selection{APIVersion: "apps/v1", Kind: child, Namespace: ref.Namespace})
	if err != nil {
		return "", err
	}
	if ref.Kind == "DaemonSet" {
		return newestRevision(live, children), nil
	}
	for _, rs := range children {
		const key = "deployment.kubernetes.io/revision"
		if ownedBy(rs, live) && rs.GetAnnotations()[key] == live.GetAnnotations()[key] {
			return rs.GetLabels()["pod-template-hash"], nil
		}
	}
	return "", nil
}
