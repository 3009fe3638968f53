package cutover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// conflicts is how often an edit may lose a race before a person must look who else is writing.
const conflicts = 8

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
	for range conflicts {
		if err := ctx.Err(); err != nil {
			return err
		}
		live, err := get(ctx, u.cluster, e.Ref)
		if err != nil {
			return err
		}
		act := u.act(e.ID)
		d := decide(e, act, live)
		u.r.opts.Logger.DebugContext(ctx, "decide", "cluster", u.unit.Cluster, "namespace", u.unit.Namespace, "step", s.ID, "standing", d.standing)
		switch d.standing {
		case standDone:
			return u.commit(ctx, s, e, live)
		case standForeign:
			return frozen("%s", d.why)
		case standGone:
			if len(e.Fields) > 0 && e.Fields[0].Live {
				return u.commit(ctx, s, e, nil) // a breadcrumb on an object that is gone is gone
			}
			return frozen("%s", d.why)
		case standUnknown:
			return held(HoldManual, "%s", manual(u.unit, e))
		case standToDo:
		}
		if act != nil && act.Phase == Committed {
			if act.Undone++; act.Undone > 1 {
				return frozen("%s of %s was put back twice by %s; if a GitOps tool owns it, plan the unit in mode gitops",
					e.ID, e.Ref, u.lastWriter(e, live))
			}
			u.tell(Event{Type: EventWrite, Step: s.ID, Message: d.why + ": put back by somebody else; once more"})
		}
		if e.Git {
			if err := u.publishAndHold(ctx, s, e, live); err != nil {
				return err
			}
			continue
		}
		if lost = u.make(ctx, s, e, live); lost != nil && !lostRace(lost) {
			return u.explainWrite(e, lost)
		}
	}
	if errors.Is(lost, errMaybe) {
		return held(HoldUnreachable, "%s: the cluster does not say whether %s was written: %v", e.ID, e.Ref, lost)
	}
	return frozen("%s: lost every race for %s: %v", e.ID, e.Ref, lost)
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

// write is the one place through which the package changes a cluster on behalf of a unit. It is not cut short by the caller's
// context: a write that was begun is seen through, so that its outcome is known.
func (u *unitRun) write(ctx context.Context, s *Step, w Write) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTimeout)
	defer cancel()
	_, err := u.cluster.Write(ctx, w)
	if passing(err) {
		// It may have been made: the next observation will tell. Wait a little, as for any call that failed.
		return errors.Join(errMaybe, err, pause.For(ctx, retryPause(err)))
	}
	if err == nil {
		u.tell(Event{Type: EventWrite, Step: s.ID, Message: fmt.Sprintf("%s %s", w.Verb, w.Ref)})
	}
	return err
}

// errMaybe marks a write whose outcome is open.
var errMaybe = errors.New("the outcome of the write is open")

// lostRace reports whether to look again: somebody else wrote first, the object went, or nobody knows.
func lostRace(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsInvalid(err) || apierrors.IsNotFound(err) || errors.Is(err, errMaybe)
}

// explainWrite turns a refusal of the API server into a state; what is a state already stays so.
func (u *unitRun) explainWrite(e *Edit, err error) error {
	var s *stop
	if errors.As(err, &s) || errors.Is(err, ErrFenced) {
		return err
	}
	if apierrors.IsUnauthorized(err) { // a token that expired is no word against the unit
		return held(HoldUnreachable, "%s: the API server does not accept the credentials any more; log in, and run again: %v", e.ID, err)
	}
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return frozen("%s: the API server refuses the write of %s: %v", e.ID, e.Ref, err)
	}
	return fmt.Errorf("%s: %s: %w", e.ID, e.Ref, err)
}

func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // unreachable: bodies are made of JSON values
	}
	return b
}
