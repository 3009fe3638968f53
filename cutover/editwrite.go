package cutover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/wimigrate/wimigrate/internal/pause"
)

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
	if out := heldLoggedOut(err); errors.As(out, &s) { // a token that expired is no word against the unit
		return out
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
