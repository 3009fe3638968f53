package cutover

import (
	"context"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// singleRollout takes one workload after the other to the new path and from the old one in one write each, held at canary pods. The
// steps before it have proven trust and injection; what follows each rollout is the same as after the second of two.
func singleRollout(u *Unit, canary int) []Step {
	var steps []Step
	for _, w := range u.Workloads {
		if leftToFinish(w.Kind) {
			continue
		}
		ref, name := w.Ref, w.String()
		edit := Edit{
			ID: "switch/" + name, Verb: Patch, Ref: w.Ref, Hold: canary, Publish: u.Mode == Suspend,
			Fields: []Field{ // the old label first, as in every edit that takes it away
				{Path: templateLabel(w, podidentity.Label), Before: nilIfEmpty(w.Selector)},
				{Path: templateLabel(w, workloadid.UseLabel), After: workloadid.UseValue},
			},
		}
		steps = append(steps, Step{ID: edit.ID, Kind: StepSwitch, Workload: &ref, Edits: []Edit{edit}})
		steps = append(steps, canarySteps(w, edit.ID)...)
		steps = append(steps, Step{ID: "unbound/" + name, Kind: StepUnbound, Workload: &ref, Wait: WaitRollout})
	}
	return steps
}

// reached is the state of the unit when a step is complete: in a single rollout a canary proves a few pods, and nothing under load.
func (u *Unit) reached(s *Step) State {
	if u.Strategy.SingleRollout && (s.Kind == StepCanary || s.Kind == StepRelease) {
		return Labelled
	}
	return s.Kind.State()
}

// heldAct is the act that holds the rollout of a step's workload at its canary pods; nil for none.
func (u *unitRun) heldAct(s *Step) *Act {
	if act := u.unbindAct(*s.Workload); act != nil && len(act.Hold) > 0 {
		return act
	}
	return nil
}

// unbindAct is the act that took the old label from a workload's template; nil for none.
func (u *unitRun) unbindAct(w Ref) *Act {
	for _, id := range [...]string{"unbind/", "switch/"} {
		if act := u.act(id + w.String()); act != nil {
			return act
		}
	}
	return nil
}

// pastCanary reports whether an act switched a workload's template in one write and its rollout is not held at the canary any more, so
// that pods without the old path may be all there are.
func (u *unitRun) pastCanary(ctx context.Context, a *Act) (bool, error) {
	if !strings.HasPrefix(a.Edit, "switch/") {
		return false, nil
	}
	live, err := get(ctx, u.cluster, a.Ref)
	if err != nil || live == nil {
		return false, err
	}
	return len(stillOurs(a.Hold, live)) == 0, nil
}

// addsNewPath reports whether an act gave pods the new path, so that to undo it takes that away.
func addsNewPath(a *Act) bool {
	return a.Verb == Apply || slices.ContainsFunc(a.Fields, func(f Field) bool {
		return len(f.Path) > 0 && f.Path[len(f.Path)-1] == workloadid.UseLabel && f.After != nil
	})
}
