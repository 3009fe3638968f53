package cutover

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// recreate makes a deleted object again from its before-image. What the add-on took away, the add-on must make again.
func (u *unitRun) recreate(ctx context.Context, a *Act) error {
	delay := firstDelay
	for begin := time.Now(); ; delay = min(2*delay, longestDelay) {
		live, err := get(ctx, u.cluster, a.Ref)
		switch {
		case err != nil:
			return err
		case live != nil && live.GetDeletionTimestamp() == nil:
			return nil // never deleted, or made again already
		case u.byAddOn(a):
			return u.waitForAddOn(ctx, a)
		case a.Before == nil:
			return frozen("%s is gone, and its before-image is lost with the journal: make it again, and then roll back again; nothing was put back before it", a.Ref)
		}
		ref := a.Ref
		ref.UID = ""
		err = u.write(ctx, &Step{ID: a.Step}, Write{Verb: Create, Ref: ref, Body: mustJSON(a.Before)})
		switch {
		case err == nil || apierrors.IsAlreadyExists(err):
			return nil
		case !errors.Is(err, errMaybe):
			return u.explainWrite(&Edit{ID: "undo " + a.Edit, Ref: a.Ref}, err)
		case time.Since(begin) >= callPatience:
			return held(HoldUnreachable, "the cluster does not say whether %s was made again: %v", a.Ref, err)
		}
		if err := pause.For(ctx, delay); err != nil {
			return err
		}
	}
}

// byAddOn reports whether an act is a deletion that went through the AKS add-on.
func (u *unitRun) byAddOn(a *Act) bool {
	for _, s := range u.unit.Steps {
		for _, e := range s.Edits {
			if e.ID == a.Edit {
				return e.AddOn
			}
		}
	}
	return false
}

// waitForAddOn waits until a person has given ARM the entry again and the add-on has made the object. Made by hand it would be an object that
// ARM does not know.
func (u *unitRun) waitForAddOn(ctx context.Context, a *Act) error {
	sels := []Selection{{APIVersion: a.Ref.APIVersion, Kind: a.Ref.Kind, Namespace: a.Ref.Namespace, Name: a.Ref.Name}}
	reason := a.Ref.String() + " belongs to the AKS add-on, which makes it again: " + u.addOnLine(a)
	return u.patient(ctx, sels, HoldManual, reason, func(objs []*unstructured.Unstructured) (bool, error) {
		live := find(objs, a.Ref)
		return live != nil && live.GetDeletionTimestamp() == nil, nil
	})
}
