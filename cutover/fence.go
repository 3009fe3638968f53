package cutover

import (
	"context"
	"fmt"
	"slices"
)

// FenceAnnotation is on an object for a moment, while a runner fences off the one that held the unit before it.
const FenceAnnotation = "wimigrate.github.io/fence"

// overtakes reports whether the record was another runner's, and that one may have a write under way: it wrote an intent down, and nobody
// has seen what came of it.
func overtakes(rec *Record, actor string) bool {
	return rec.Actor != "" && rec.Actor != actor && slices.ContainsFunc(rec.Acts, open)
}

// open reports whether the act stands for a write of an object whose outcome is not known. A one-off Job that is yet to be created is not an
// object that could be marked: it ends by itself, and its breadcrumb says whose it was.
func open(a Act) bool {
	if a.Git || a.Verb == Create || a.Phase != Intended && a.Phase != Undoing {
		return false
	}
	switch a.Kind {
	case ActEdit, ActInduce, ActRelease, ActProbe, ActRetreat:
		return true
	case ActPublish, ActEvict:
	}
	return false
}

// fence moves the resource version of every object with an open act. The epoch keeps a runner that slept from writing to the journal,
// but the write that it had already begun would still land, after a rollback even: all of them are guarded by the version that was read
// before, so none of them can now.
func (u *unitRun) fence(ctx context.Context) error {
	for _, a := range u.rec.Acts {
		if open(a) {
			if err := u.touch(ctx, a.Ref); err != nil {
				return fmt.Errorf("fence off %s: %w", a.Edit, err)
			}
		}
	}
	u.rec.Fencing = false
	return nil
}

// touch changes an object and changes it back.
func (u *unitRun) touch(ctx context.Context, ref Ref) error {
	var lost error
	for range races(ctx) {
		live, err := get(ctx, u.cluster, ref)
		if err != nil {
			return err
		}
		if live == nil || ref.UID != "" && string(live.GetUID()) != ref.UID {
			return nil // whatever was meant for it meets another, or none
		}
		mark := Field{Path: annotation(FenceAnnotation), After: fmt.Sprint(u.rec.Epoch)}
		value, marked := lookup(live.Object, mark.Path)
		if marked {
			mark.Before, mark.After = value, nil
		}
		ref.UID = string(live.GetUID())
		w := Write{Verb: Patch, Ref: ref, ResourceVersion: live.GetResourceVersion(), Body: mustJSON(patchOps([]Field{mark}, live.Object))}
		switch lost = u.write(ctx, &Step{ID: "fence"}, w); {
		case lost == nil && marked:
			return nil
		case lost != nil && !lostRace(lost):
			return lost
		}
	}
	return fmt.Errorf("%s changes too often to be marked: %w", ref, lost)
}
