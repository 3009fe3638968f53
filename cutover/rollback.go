package cutover

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// rollback puts back, in reverse order, what the unit has changed and is still ours, and waits for the pods after each change, so that
// every instant of the way back has a proven path too. It can be cut short anywhere and called again.
func (u *unitRun) rollback(ctx context.Context, why string) error {
	if err := u.restoreInduced(ctx); err != nil {
		return err
	}
	if err := u.setState(ctx, RollingBack, "", why); err != nil {
		return err
	}
	for i := len(u.rec.Acts) - 1; i >= 0; i-- {
		a := &u.rec.Acts[i]
		if a.Kind != ActEdit || a.Phase == Undone {
			continue
		}
		u.tell(Event{Type: EventUndo, Step: a.Step, Message: a.Edit})
		err := u.undo(ctx, a)
		if s, ok := errors.AsType[*stop](err); ok {
			// The way back is blocked: nothing more is touched, a person must look.
			return u.setState(ctx, Frozen, s.hold, "rollback: "+s.reason)
		}
		if err != nil {
			return err
		}
		a.Phase = Undone
		if err := u.save(ctx); err != nil {
			return err
		}
	}
	u.rec.Next, u.rec.Soaked = 0, 0
	u.rec.Reached = Planned
	return u.setState(ctx, RolledBack, "", why)
}

// undo takes one act back.
func (u *unitRun) undo(ctx context.Context, a *Act) error {
	if a.Note == noteAlready {
		return nil
	}
	if a.Phase != Undoing {
		a.Phase = Undoing
		if err := u.save(ctx); err != nil {
			return err
		}
	}
	if a.Verb == Delete {
		return u.recreate(ctx, a)
	}
	if a.Verb == Apply && u.isWorkload(a.Ref) {
		if err := u.oldPathStands(ctx); err != nil {
			return err
		}
	}
	var lost error
	for range conflicts {
		live, err := get(ctx, u.cluster, a.Ref)
		if err != nil {
			return err
		}
		if live == nil || string(live.GetUID()) != a.Ref.UID {
			a.Note = a.Ref.String() + " is gone, or another by now: left alone"
			return nil
		}
		w, needed := u.inverse(a, live)
		if !needed {
			return u.settled(ctx, a)
		}
		if lost = u.write(ctx, &Step{ID: a.Step}, w); lost != nil && !lostRace(lost) {
			return u.explainWrite(&Edit{ID: "undo " + a.Edit, Ref: a.Ref}, lost)
		}
	}
	return frozen("undo %s: lost every race for %s: %v", a.Edit, a.Ref, lost)
}

// inverse is the write that undoes an act on the object as it is now; false when there is nothing of ours left on it. What somebody else
// has changed is noted and left.
func (u *unitRun) inverse(a *Act, live *unstructured.Unstructured) (Write, bool) {
	w := Write{Verb: a.Verb, Ref: a.Ref, ResourceVersion: live.GetResourceVersion()}
	if a.Verb == Apply {
		mine := false
		for _, f := range a.Fields {
			value, _ := lookup(live.Object, f.Path)
			mine = mine || same(value, f.After) && slices.Contains(owners(live, f.Path), Manager)
			if !same(value, f.After) && !same(value, f.Before) {
				a.Note = fmt.Sprintf("%s is %s by now: left alone", pointer(f.Path), show(value))
			}
		}
		_, marked := live.GetAnnotations()[CrumbAnnotation]
		w.Body = mustJSON(applyBody(a.Ref, nil, ""))
		return w, mine || marked && slices.Contains(owners(live, annotation(CrumbAnnotation)), Manager)
	}
	back := stillOurs(append(slices.Clone(a.Fields), a.Hold...), live)
	for _, f := range a.Fields {
		if value, _ := lookup(live.Object, f.Path); !same(value, f.After) && !same(value, f.Before) {
			a.Note = fmt.Sprintf("%s is %s by now: left alone", pointer(f.Path), show(value))
		}
	}
	if value, ok := live.GetAnnotations()[UnbindAnnotation]; ok && len(a.Fields) > 0 && isOldLabel(a.Fields[0].Path) {
		back = append(back, Field{Path: annotation(UnbindAnnotation), Before: value})
	}
	w.Body = mustJSON(patchOps(back, live.Object))
	return w, len(back) > 0
}

// settled waits until the pods have followed an undone change.
func (u *unitRun) settled(ctx context.Context, a *Act) error {
	if a.Git || u.act("publish/"+a.Edit) != nil {
		if err := u.unpublish(ctx, a); err != nil {
			return err
		}
	}
	if !u.isWorkload(a.Ref) || a.Ref.Kind == "CronJob" {
		return nil
	}
	ref := u.rolling(&Step{Workload: &a.Ref})
	var last Progress
	limit := max(u.r.opts.RolloutTimeout, minRollout)
	err := watch(ctx, u.cluster, rolloutSelections(ref), limit, func(objs []*unstructured.Unstructured) (bool, error) {
		w := find(objs, ref)
		if w == nil {
			return true, nil
		}
		last = Rollout(w, objs)
		return last.Complete || last.Hold != "" || last.Evict != "", nil
	})
	switch {
	case errors.Is(err, errWaited):
		return frozen("%s is not healthy on its old template after %s: %s%s", ref, limit, last.Reason, last.Failed)
	case err != nil:
		return err
	case last.Evict != "" && u.r.opts.Evict:
		if err := u.evict(ctx, &Step{ID: a.Step, Workload: &a.Ref}, ref, last); err != nil {
			return err
		}
		return u.settled(ctx, a)
	case last.Evict != "" || last.Hold != "":
		a.Note = ref.String() + " has its old template back, but not all of its pods: " + last.Reason
	}
	return nil
}

// unpublish hands the inverse of a published change to the Publisher: the object has its old value back already, and what somebody adds
// to a live object survives a sync, but the repository must come to say the same.
func (u *unitRun) unpublish(ctx context.Context, a *Act) error {
	if u.r.opts.Publish == nil {
		a.Note = "put back on the object; its commit must be reverted by a person"
		return nil
	}
	if err := u.r.opts.Publish(ctx, publication(u.unit, &Edit{Ref: a.Ref}, invert(a.Fields))); err != nil {
		a.Note = "put back on the object; the inverse could not be published: " + err.Error()
		return nil //nolint:nilerr // the cluster is as it was: a person reads the note
	}
	a.Note = "put back on the object; the inverse was published, and must be merged"
	return nil
}

func (u *unitRun) isWorkload(r Ref) bool {
	return slices.ContainsFunc(u.unit.Workloads, func(w Workload) bool { return w.Same(r) })
}

// oldPathStands makes sure that there is something to go back to before the new path is taken away.
func (u *unitRun) oldPathStands(ctx context.Context) error {
	for _, r := range u.unit.Bindings {
		live, err := get(ctx, u.cluster, r)
		if err != nil {
			return err
		}
		if live == nil {
			return frozen("%s is gone: the old path would not work; the new one is left in place", r)
		}
	}
	return nil
}

// recreate makes a deleted object again from its before-image.
func (u *unitRun) recreate(ctx context.Context, a *Act) error {
	live, err := get(ctx, u.cluster, a.Ref)
	if err != nil {
		return err
	}
	if live != nil && live.GetDeletionTimestamp() == nil {
		return nil // never deleted, or made again already
	}
	if a.Before == nil {
		return frozen("%s was deleted and its before-image is lost", a.Ref)
	}
	ref := a.Ref
	ref.UID = ""
	err = u.write(ctx, &Step{ID: a.Step}, Write{Verb: Create, Ref: ref, Body: mustJSON(a.Before)})
	switch {
	case err == nil || apierrors.IsAlreadyExists(err):
		return nil
	case errors.Is(err, errMaybe):
		return u.recreate(ctx, a)
	}
	return u.explainWrite(&Edit{ID: "undo " + a.Edit, Ref: a.Ref}, err)
}
