package cutover

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// induce raises a number for a gate, within the plan's caps. The old value is in the journal before the new one is in the cluster.
func (u *unitRun) induce(ctx context.Context, s *Step, i Induction) error {
	live, err := get(ctx, u.cluster, i.Object)
	if err != nil {
		return err
	}
	if live == nil {
		return fmt.Errorf("%s is not there", i.Object)
	}
	raise := beforeImages([]Field{{Path: i.Path, After: i.To}}, live)
	act := Act{
		Edit: fmt.Sprintf("induce/%s/%d", s.ID, len(u.rec.Acts)), Step: s.ID, Kind: ActInduce, Verb: Patch, Ref: i.Object, Phase: Intended,
		Fields: slices.Clone(raise),
	}
	act.Ref.UID = string(live.GetUID())
	if act.Extra, err = u.mayInduce(ctx, i, live, act.Fields[0].Before); err != nil {
		return err
	}
	u.takeOver(&act, live)
	u.rec.Acts = append(u.rec.Acts, act)
	if err := u.save(ctx); err != nil {
		return err
	}
	err = u.write(ctx, s, Write{
		Verb: Patch, Ref: act.Ref, ResourceVersion: live.GetResourceVersion(),
		Body: mustJSON(patchOps(append(raise, u.induceCrumb(&act, live)...), live.Object)),
	})
	if err != nil {
		return err // the intent stands, and is settled by restoreInduced
	}
	u.act(act.Edit).Phase = Committed
	return u.save(ctx)
}

// takeOver makes an induction on top of another that is not restored yet, or of which nobody knows whether it was made, one with it: what is put
// back in the end is the number from before both.
func (u *unitRun) takeOver(act *Act, live *unstructured.Unstructured) {
	i := slices.IndexFunc(u.rec.Acts, func(a Act) bool {
		return a.Kind == ActInduce && a.Phase != Undone && a.Ref.Same(act.Ref) && slices.Equal(a.Fields[0].Path, act.Fields[0].Path)
	})
	if i < 0 {
		return
	}
	older, now := u.rec.Acts[i], act.Fields[0].Before
	if len(stillInduced(&older, live)) == 0 && !same(now, older.Fields[0].Before) {
		return // somebody else's number by now
	}
	act.Fields[0].Before, act.Down = older.Fields[0].Before, now
	if same(now, act.Fields[0].Before) {
		act.Down = older.Fields[0].After // should it arrive yet
	} else {
		act.Extra += older.Extra
	}
	u.rec.Acts = slices.Delete(u.rec.Acts, i, i+1)
}

// restoreInduced puts back, at once, every induced number that is still ours, and ends what was started for a gate.
func (u *unitRun) restoreInduced(ctx context.Context) error {
	if err := u.endProbes(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	changed := false
	for i := range u.rec.Acts {
		a := &u.rec.Acts[i]
		if a.Kind != ActInduce {
			continue
		}
		if err := u.restoreOne(context.WithoutCancel(ctx), a); err != nil {
			return fmt.Errorf("restore %s of %s: %w", pointer(a.Fields[0].Path), a.Ref, err)
		}
		a.Phase, changed = Undone, true
	}
	if !changed {
		return nil
	}
	kept := slices.DeleteFunc(slices.Clone(u.rec.Acts), func(a Act) bool { return a.Kind == ActInduce })
	u.rec.Acts = kept
	return u.save(ctx)
}

// restoreOne puts one number back, guarded by "still ours": a number that somebody else has changed meanwhile is theirs.
func (u *unitRun) restoreOne(ctx context.Context, a *Act) error {
	var lost error
	for range races(ctx) {
		live, err := get(ctx, u.cluster, a.Ref)
		if err != nil {
			return err
		}
		if live == nil || string(live.GetUID()) != a.Ref.UID {
			return nil
		}
		back := withoutCrumb(stillInduced(a, live), a, live)
		if len(back) == 0 {
			return nil
		}
		w := Write{
			Verb: Patch, Ref: a.Ref, Subresource: a.Subresource, ResourceVersion: live.GetResourceVersion(), Body: mustJSON(patchOps(back, live.Object)),
		}
		if lost = u.write(ctx, &Step{ID: a.Step}, w); lost != nil && !lostRace(lost) {
			return lost
		}
	}
	return lost
}
