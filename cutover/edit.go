package cutover

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// edit brings one edit about: observe, decide, write down the intent with the before-image, act, observe, commit. It may be called
// again at any time: what is done stays done, and what somebody put back is made once more, but not twice.
func (u *unitRun) edit(ctx context.Context, s *Step, e *Edit) error {
	switch {
	case e.Release != "":
		return u.releaseHold(ctx, s, e)
	case s.Kind == StepSuspend:
		return u.suspend(ctx, s, e)
	case s.Kind == StepResume:
		return u.resumeTool(ctx, s, e)
	}
	var lost error
	replaced := "" // the version that a write of ours has replaced, before it was seen on the object
	for range races(ctx) {
		if err := ctx.Err(); err != nil {
			return err
		}
		live, err := get(ctx, u.cluster, e.Ref)
		if err != nil {
			return err
		}
		if done, err := u.stands(ctx, s, e, live, replaced); done || err != nil {
			return err
		}
		if e.Git {
			if err := u.publishAndHold(ctx, s, e, live); err != nil {
				return err
			}
			continue
		}
		replaced = ""
		if lost = u.make(ctx, s, e, live); lost != nil && !lostRace(lost) {
			return u.explainWrite(e, lost)
		}
		if lost == nil && (e.Verb == Apply || e.Verb == Patch) {
			replaced = live.GetResourceVersion()
		}
	}
	if lost == nil {
		return frozen("%s: %s took each write and does not show it: something undoes it at once, such as an admission webhook", e.ID, e.Ref)
	}
	if errors.Is(lost, errMaybe) {
		return held(HoldUnreachable, "%s: the cluster does not say whether %s was written: %v", e.ID, e.Ref, lost)
	}
	return frozen("%s: lost every race for %s: %v", e.ID, e.Ref, lost)
}

// stands reports whether an edit is done on the object as it is; if it neither is nor can be made, the error says so. A write that replaced
// a version has been put back where the object has yet another one; where it has that very one, the answer is older than the write.
func (u *unitRun) stands(ctx context.Context, s *Step, e *Edit, live *unstructured.Unstructured, replaced string) (done bool, err error) {
	act := u.act(e.ID)
	d := decide(e, act, live)
	u.r.opts.Logger.DebugContext(ctx, "decide", "cluster", u.unit.Cluster, "namespace", u.unit.Namespace, "step", s.ID, "standing", d.standing)
	switch d.standing {
	case standDone:
		return true, u.commit(ctx, s, e, live)
	case standForeign:
		return false, frozen("%s", d.why)
	case standGone:
		if len(e.Fields) > 0 && e.Fields[0].Live {
			return true, u.commit(ctx, s, e, nil) // a breadcrumb on an object that is gone is gone
		}
		return false, frozen("%s", d.why)
	case standUnknown:
		return false, held(HoldManual, "%s", manual(u.unit, e))
	case standToDo:
	}
	if act != nil && (act.Phase == Committed || replaced != "" && live.GetResourceVersion() != replaced) {
		if act.Undone++; act.Undone > 1 {
			return false, frozen("%s of %s was put back twice by %s; if a GitOps tool owns it, plan the unit in mode gitops",
				e.ID, e.Ref, u.lastWriter(e, live))
		}
		u.tell(Event{Type: EventWrite, Step: s.ID, Message: d.why + ": put back by somebody else; once more"})
	}
	return false, nil
}

// make writes the intent down and acts on it.
func (u *unitRun) make(ctx context.Context, s *Step, e *Edit, live *unstructured.Unstructured) error {
	if e.Verb == Delete {
		if err := u.mayDelete(ctx, e); err != nil {
			return err
		}
	}
	if s.Kind == StepSwitch && u.act(e.ID) == nil && len(holdFields(live, e.Hold)) == 0 {
		return held(HoldManual, "%s cannot be held at canary pods as it is now, and moves in a single rollout: nothing was changed; plan it in two rollouts", e.Ref)
	}
	if e.Publish {
		if err := u.publish(ctx, s, e, beforeImages(e.Fields, live)); err != nil {
			return err
		}
	}
	act := u.intend(s, e, live)
	if err := u.save(ctx); err != nil {
		return err
	}
	if e.AddOn {
		return u.removeByAddOn(ctx, e)
	}
	w := Write{Verb: e.Verb, Ref: act.Ref, ResourceVersion: live.GetResourceVersion()}
	switch e.Verb {
	case Apply:
		w.Body = mustJSON(applyBody(act.Ref, act.Fields, compact(u.crumb(e, nil))))
	case Patch:
		w.Body = mustJSON(u.patchBody(e, act, live))
	case Delete, Create, Evict:
	}
	return u.write(ctx, s, w)
}

// intend remembers what is about to be done. What an earlier attempt remembered stays: its before-images are the true ones.
func (u *unitRun) intend(s *Step, e *Edit, live *unstructured.Unstructured) *Act {
	act := u.act(e.ID)
	if act == nil {
		u.rec.Acts = append(u.rec.Acts, Act{Edit: e.ID, Step: s.ID, Kind: kindOf(s, e), Verb: e.Verb, Ref: e.Ref})
		act = &u.rec.Acts[len(u.rec.Acts)-1]
		act.Ref.UID = string(live.GetUID())
		if e.Verb == Delete {
			act.Before = beforeObject(live)
		} else {
			act.Fields = beforeImages(e.Fields, live)
			act.Hold = holdFields(live, e.Hold)
		}
	}
	act.Phase = Intended
	return act
}

// kindOf says what an edit is to a rollback: what only clears up after others is not put back.
func kindOf(s *Step, e *Edit) ActKind {
	if s.Kind == StepResume || s.Kind == StepRelease || len(e.Fields) > 0 && e.Fields[0].Live {
		return ActRelease
	}
	return ActEdit
}

// commit writes down that the edit was seen on the object. One that was there before us is remembered as such, and never undone.
func (u *unitRun) commit(ctx context.Context, s *Step, e *Edit, live *unstructured.Unstructured) error {
	act := u.act(e.ID)
	if act != nil && act.Phase == Committed {
		return nil
	}
	if act == nil {
		u.rec.Acts = append(u.rec.Acts, Act{Edit: e.ID, Step: s.ID, Kind: kindOf(s, e), Verb: e.Verb, Ref: e.Ref, Note: noteAlready})
		act = &u.rec.Acts[len(u.rec.Acts)-1]
		if live != nil {
			act.Ref.UID = string(live.GetUID())
			act.Fields = beforeImages(e.Fields, live)
		}
		u.adopt(act, e, live)
		u.adoptCommit(act, e)
	}
	act.Phase = Committed
	act.Git = e.Git && act.Note == ""
	return u.save(ctx)
}

// noteAlready marks acts that found their work done: somebody else's doing, never undone.
const noteAlready = "was so already"

// patchBody is the guarded JSON Patch of an edit: its fields, what holds the rollout, and the breadcrumb.
func (u *unitRun) patchBody(e *Edit, act *Act, live *unstructured.Unstructured) []operation {
	fields := beforeImages(append(append([]Field{}, act.Fields...), act.Hold...), live)
	if e.Hold > 0 || len(e.Fields) > 0 && isOldLabel(e.Fields[0].Path) {
		crumb := Field{Path: annotation(UnbindAnnotation), After: compact(u.crumb(e, act))}
		fields = append(fields, beforeImages([]Field{crumb}, live)...)
	}
	return patchOps(fields, live.Object)
}

func (u *unitRun) crumb(e *Edit, act *Act) Crumb {
	c := Crumb{Lineage: u.plan.Lineage, Unit: u.unit.ID, Edit: e.ID}
	if act != nil {
		c.Fields, c.Hold = act.Fields, act.Hold
	}
	return c
}
