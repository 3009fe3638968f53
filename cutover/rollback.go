package cutover

import (
	"context"
	"errors"
	"strings"
	"time"
)

// rollback puts back, in reverse order, what the unit has changed and is still ours, and waits for the pods after each change, so that
// every instant of the way back has a proven path too. It can be cut short anywhere and called again. Where it must wait for something
// outside, the unit stays RollingBack with a Hold, and the next Run or Rollback goes on. No more units than may go back at the same time put
// their changes back.
func (u *unitRun) rollback(ctx context.Context, why string) error {
	if err := u.restoreInduced(ctx); err != nil {
		return err
	}
	if err := u.setState(ctx, RollingBack, "", why); err != nil {
		return err
	}
	defer u.fleet.back.give(u.unit)
	if err := u.turnBack(ctx); err != nil {
		return err
	}
	if err := u.adoptPublished(ctx); err != nil {
		return err
	}
	for i := len(u.rec.Acts) - 1; i >= 0; i-- {
		a := u.rec.Acts[i]
		if a.Phase == Undone || a.Kind != ActEdit && a.Kind != ActRetreat {
			continue
		}
		u.tell(Event{Type: EventUndo, Step: a.Step, Message: a.Edit})
		err := u.undo(ctx, a.Edit)
		if s, ok := errors.AsType[*stop](err); ok {
			return u.wayBackBlocked(ctx, s)
		}
		if err != nil {
			return err
		}
		u.rec.Acts[i].Phase = Undone
		if err := u.save(ctx); err != nil {
			return err
		}
	}
	u.rec.Next, u.rec.Soaked, u.rec.Ran, u.rec.Switched, u.rec.Ended = 0, 0, nil, time.Time{}, time.Time{}
	u.rec.Reached = Planned
	return u.setState(ctx, RolledBack, "", why)
}

// wayBackBlocked: nothing more is touched. What waits for something outside goes on later; else a person must look.
func (u *unitRun) wayBackBlocked(ctx context.Context, s *stop) error {
	if s.state == Held {
		u.fleet.freeze()
		return u.setState(ctx, RollingBack, s.hold, "rollback: "+s.reason)
	}
	return u.setState(ctx, Frozen, s.hold, "rollback: "+s.reason)
}

// undo takes one act back. Acts may be added meanwhile, so it is found by its ID again and again.
func (u *unitRun) undo(ctx context.Context, edit string) error {
	a := u.act(edit)
	if a.Note == noteAlready {
		return nil
	}
	if a.Kind == ActRetreat {
		return u.endRetreat(ctx, edit)
	}
	if a.Phase != Undoing {
		a.Phase = Undoing
		if err := u.save(ctx); err != nil {
			return err
		}
	}
	switch {
	case a.Verb == Delete:
		return u.recreate(ctx, a)
	case strings.HasPrefix(a.Edit, suspendPrefix):
		return u.releaseTool(ctx, &Step{ID: a.Step}, a.Ref, a.Fields[0].Path)
	}
	if w := u.unbound(a); w != nil {
		past, err := u.pastCanary(ctx, a)
		if err != nil {
			return err
		}
		if past || !addsNewPath(a) && u.refusedByWebhook(ctx, *w) {
			if err := u.retreat(ctx, *w); err != nil {
				return err
			}
		}
	}
	return u.putBack(ctx, edit)
}
