package cutover

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// suspend brings it about that the tool is suspended and the unit is on its list. It may be called again at any time.
func (u *unitRun) suspend(ctx context.Context, s *Step, e *Edit) error {
	var lost error
	for range races(ctx) {
		live, err := u.tool(ctx, e)
		if err != nil {
			return err
		}
		if live == nil {
			return frozen("%s is not there: nobody knows what would reconcile %s", e.Ref, u.unit.Namespace)
		}
		now, f := readSuspension(live), e.Fields[0]
		value, _ := lookup(live.Object, f.Path)
		listed, act := now.has(u.plan.Lineage, u.unit.ID), u.act(e.ID)
		if listed && same(value, f.After) {
			return u.commitSuspend(ctx, s, e, live, now)
		}
		if act != nil && act.Phase == Committed {
			if act.Undone++; act.Undone > 1 {
				return frozen("%s was resumed twice by somebody else while it must stay suspended", e.Ref)
			}
			u.tell(Event{Type: EventWrite, Step: s.ID, Message: e.Ref.String() + " was resumed by somebody else; suspended once more"})
		}
		if len(now.By) == 0 || !same(value, f.After) {
			now.Was = value // it is the first, or somebody has resumed the tool meanwhile: that is what to go back to
		}
		fields := beforeImages([]Field{f}, live)
		if same(value, f.After) {
			fields = nil
		}
		now = now.with(Suspender{Lineage: u.plan.Lineage, Unit: u.unit.ID, Actor: u.r.opts.Actor,
			Why: fmt.Sprintf("the unit moves off Pod Identity by plan %.12s, and resumes the tool once it has soaked or is rolled back", u.plan.Digest)})
		u.intendSuspend(s, e, live, now)
		if err := u.save(ctx); err != nil {
			return err
		}
		if lost = u.writeTool(ctx, s, live, append(fields, now.fields(live)...)); lost != nil && !lostRace(lost) {
			return u.explainWrite(e, lost)
		}
	}
	return frozen("%s: lost every race for %s: %v", e.ID, e.Ref, lost)
}

// tool reads the tool's object; nil for one that is not there.
func (u *unitRun) tool(ctx context.Context, e *Edit) (*unstructured.Unstructured, error) {
	live, err := get(ctx, u.cluster, e.Ref)
	if act := u.act(e.ID); err == nil && live != nil && act != nil && act.Ref.UID != "" && act.Ref.UID != string(live.GetUID()) {
		return nil, frozen("%s was deleted and created again (UID %s, was %s)", e.Ref, live.GetUID(), act.Ref.UID)
	}
	return live, err
}

func (u *unitRun) writeTool(ctx context.Context, s *Step, live *unstructured.Unstructured, fields []Field) error {
	return u.write(ctx, s, Write{Verb: Patch, Ref: refOf(live), ResourceVersion: live.GetResourceVersion(), Body: mustJSON(patchOps(fields, live.Object))})
}

func (u *unitRun) intendSuspend(s *Step, e *Edit, live *unstructured.Unstructured, now Suspension) *Act {
	act := u.act(e.ID)
	if act == nil {
		u.rec.Acts = append(u.rec.Acts, Act{Edit: e.ID, Step: s.ID, Kind: ActEdit, Verb: Patch, Ref: refOf(live)})
		act = &u.rec.Acts[len(u.rec.Acts)-1]
	}
	act.Fields = []Field{{Path: e.Fields[0].Path, Before: now.Was, After: e.Fields[0].After}}
	act.Phase = Intended
	return act
}

// commitSuspend writes down that the unit holds the tool; one without a memory of it has lost its journal.
func (u *unitRun) commitSuspend(ctx context.Context, s *Step, e *Edit, live *unstructured.Unstructured, now Suspension) error {
	act := u.act(e.ID)
	if act != nil && act.Phase == Committed {
		return nil
	}
	u.rec.Rebuilt = u.rec.Rebuilt || act == nil
	u.intendSuspend(s, e, live, now).Phase = Committed
	return u.save(ctx)
}

// remindSuspend remembers again, for a unit without a record, that it holds a tool suspended.
func (u *unitRun) remindSuspend(step int, e *Edit, live *unstructured.Unstructured) {
	if now := readSuspension(live); now.has(u.plan.Lineage, u.unit.ID) {
		u.intendSuspend(&u.unit.Steps[step], e, live, now).Phase = Committed
		u.rec.Rebuilt, u.rec.Next = true, max(u.rec.Next, step)
	}
}

// releaseTool takes the unit off the tool's list; the last one resumes the tool. What somebody else has changed meanwhile stays.
func (u *unitRun) releaseTool(ctx context.Context, s *Step, ref Ref, path []string) error {
	var lost error
	for range races(ctx) {
		live, err := get(ctx, u.cluster, ref)
		if err != nil || live == nil {
			return err
		}
		now := readSuspension(live)
		if !now.has(u.plan.Lineage, u.unit.ID) {
			return nil
		}
		rest := now.without(u.plan.Lineage, u.unit.ID)
		fields := rest.fields(live)
		if value, _ := lookup(live.Object, path); len(rest.By) == 0 && suspends(value) && !same(value, now.Was) {
			fields = append(fields, Field{Path: path, Before: value, After: now.Was})
		}
		if lost = u.writeTool(ctx, s, live, fields); lost != nil && !lostRace(lost) {
			return u.explainWrite(&Edit{ID: "resume", Ref: ref}, lost)
		}
	}
	return frozen("resume: lost every race for %s: %v", ref, lost)
}

// suspends reports whether a value of a tool's own field suspends it.
func suspends(value any) bool { return value == true || value == "true" }
