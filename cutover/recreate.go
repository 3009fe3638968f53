package cutover

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

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
