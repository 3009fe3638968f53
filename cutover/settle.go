package cutover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// tidyTimeout bounds what is done after the caller's context has ended: restoring induced load and writing down why.
const tidyTimeout = 2 * time.Minute

// settle turns what ended the work into the unit's state. It returns why to roll back, if that is wanted.
func (u *unitRun) settle(ctx context.Context, cause error) (back string, err error) {
	if errors.Is(cause, ErrFenced) {
		return "", cause // somebody else's unit now: no word, no write
	}
	// What follows must be done even when ctx has ended: the world is to be left in a state that is safe for days.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTimeout)
	defer cancel()
	s, open := endOf(cause)
	if s.state == Frozen {
		u.fleet.freeze() // before anything else: the others stop now, even if what follows takes long or fails
	}
	if s.failed && u.r.opts.OnFailure == RollBack && u.rec.wrote() {
		back = s.reason
	}
	restored := u.restoreInduced(ctx)
	if restored != nil && errors.Is(restored, ErrFenced) {
		return "", errors.Join(cause, restored)
	}
	next := s.state
	if restored != nil && back != "" {
		next, back = RollingBack, "" // by the next run, which begins with what could not be restored
	}
	u.rec.Failed = u.rec.Failed || s.state == Frozen
	if err := u.setDown(ctx, next, s, back != ""); err != nil || restored != nil {
		return "", errors.Join(cause, restored, err)
	}
	return back, open
}

// endOf is the state that what ended the work means, and the error that stays one.
func endOf(cause error) (s *stop, open error) {
	switch {
	case errors.As(cause, &s):
		return s, nil
	case errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded):
		return &stop{state: Held, hold: HoldAbort, reason: "told to stop; run again to go on"}, nil
	}
	return &stop{state: Held, hold: HoldUnreachable, reason: cause.Error()}, cause
}

// setDown writes down what ended the work. A failure is noted in the other clusters at the same time, where the record lies in a cluster that
// may not answer: now, or when the next run asks.
func (u *unitRun) setDown(ctx context.Context, next State, s *stop, back bool) error {
	if s.state != Frozen {
		return u.setState(ctx, next, s.hold, s.reason)
	}
	if _, scattered := u.r.journal.(*ConfigMapJournal); !scattered {
		return u.setState(ctx, next, s.hold, s.reason)
	}
	state := next
	if back {
		state = RollingBack
	}
	notes, noted := u.freezeNotes(state, s.reason), make(chan error, 1)
	u.notes.Go(func() { noted <- u.r.putNotes(ctx, notes) })
	switch err := u.setState(ctx, next, s.hold, s.reason); {
	case err == nil: // whoever is on his way back does not wait for other clusters
		return nil
	case errors.Is(err, ErrFenced): // it is somebody else's unit now, of which we have no word to say
		u.notes.Wait()
		for _, n := range notes {
			u.r.dropNote(context.WithoutCancel(ctx), n)
		}
		return err
	default:
		if missed := <-noted; missed != nil {
			return fmt.Errorf("%w, and the next run may not know that the fleet is frozen: %w", err, missed)
		}
		return err
	}
}

// wrote reports whether there is anything to put back.
func (r *Record) wrote() bool {
	for _, a := range r.Acts {
		if a.Phase != Undone && a.Kind == ActEdit {
			return true
		}
	}
	return false
}

// raised reports whether something may still be up that was raised or started for a gate.
func (r *Record) raised() bool {
	return slices.ContainsFunc(r.Acts, func(a Act) bool { return a.Phase != Undone && (a.Kind == ActInduce || a.Kind == ActProbe) })
}
