package cutover

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// publication is the change of an object as a Git repository needs it: all that the fields say, in one patch.
func publication(u *Unit, ref Ref, fields []Field) Publication {
	p := Publication{Cluster: u.Cluster, Unit: u.ID, Object: ref}
	for _, w := range u.Workloads {
		if w.Same(ref) {
			p.Owner, p.Source = w.Owner, w.Source
		}
	}
	for _, a := range u.Accounts {
		if a.Ref.Same(ref) {
			p.Source = a.Source
		}
	}
	if indexed(fields) {
		p.JSONPatch = asYAML(patchOps(fields, nil))
	} else {
		p.StrategicMerge = mergePatch(ref, fields)
	}
	p.Path = strings.Join([]string{
		fileName(u.Cluster), fileName(u.Namespace), fileName(strings.ToLower(ref.Kind) + "-" + ref.Name + ".yaml"),
	}, "/")
	return p
}

// change is the publication of an edit's fields, over what the unit has published of the same object before: there is one patch for each
// object, under one path, and it must not lose what an earlier step has put there. What was put back since is published as it was.
func (u *unitRun) change(e *Edit, fields []Field) Publication {
	var all []Field
	for i := range u.unit.Steps {
		for j := range u.unit.Steps[i].Edits {
			if x := &u.unit.Steps[i].Edits[j]; x.ID != e.ID && (x.Git || x.Publish) && x.Ref.Same(e.Ref) {
				all = append(all, u.publishedBy(x)...)
			}
		}
	}
	return publication(u.unit, e.Ref, append(all, fields...))
}

// publishedBy are the fields that an edit has published, or had before its journal was lost; inverted once it was undone.
func (u *unitRun) publishedBy(e *Edit) []Field {
	act, told := u.act(e.ID), u.act("publish/"+e.ID)
	var out []Field
	switch {
	case told != nil:
		out = told.Fields
	case act != nil && act.Note != noteAlready:
		out = act.Fields
	}
	if act != nil && act.Phase == Undone {
		out = invert(out)
	}
	return out
}

// fileName makes a name safe as one element of a path: everything but letters, digits, dash, underscore and inner dots is escaped.
func fileName(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.' && i > 0:
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "%%%X", r)
		}
	}
	return b.String()
}

// publish hands the change to the Publisher once.
func (u *unitRun) publish(ctx context.Context, s *Step, e *Edit, fields []Field) error {
	id := "publish/" + e.ID
	if act := u.act(id); act != nil && act.Phase == Committed || u.r.opts.Publish == nil {
		return nil
	}
	if u.act(id) == nil {
		u.rec.Acts = append(u.rec.Acts, Act{Edit: id, Step: s.ID, Kind: ActPublish, Ref: e.Ref, Fields: fields, Phase: Intended})
		if err := u.save(ctx); err != nil {
			return err
		}
	}
	if err := u.r.opts.Publish(ctx, u.change(e, fields)); err != nil {
		return held(HoldGit, "publish the change of %s: %v", e.Ref, err)
	}
	u.act(id).Phase = Committed
	u.tell(Event{Type: EventWrite, Step: s.ID, Message: "published the change of " + e.Ref.String()})
	return u.save(ctx)
}

// publishAndHold publishes the change and waits, as long as the runner's patience, until it is seen on the object.
func (u *unitRun) publishAndHold(ctx context.Context, s *Step, e *Edit, live *unstructured.Unstructured) error {
	fields := beforeImages(e.Fields, live)
	if err := u.publish(ctx, s, e, fields); err != nil {
		return err
	}
	act := u.intend(s, e, live)
	act.Git = true
	if err := u.save(ctx); err != nil {
		return err
	}
	arrived := func(objs []*unstructured.Unstructured) (bool, error) {
		return len(objs) > 0 && decide(e, u.act(e.ID), objs[0]).standing != standToDo, nil
	}
	sel := Selection{APIVersion: e.Ref.APIVersion, Kind: e.Ref.Kind, Namespace: e.Ref.Namespace, Name: e.Ref.Name}
	if e.Manual {
		return u.patient(ctx, []Selection{sel}, HoldManual, byHand(e.Ref, fields), arrived)
	}
	p := u.change(e, fields)
	return u.patient(ctx, []Selection{sel}, HoldGit, "waiting for this change to arrive from Git:\n"+cmp.Or(p.StrategicMerge, p.JSONPatch), arrived)
}

// adoptCommit takes a change that was there before its intent was written down for our own, if this unit has published it: the process died
// in between, and the commit arrived.
func (u *unitRun) adoptCommit(act *Act, e *Edit) {
	if p := u.act("publish/" + e.ID); e.Git && p != nil && len(p.Fields) > 0 {
		act.Note, act.Fields = "", slices.Clone(p.Fields)
	}
}

// adoptPublished gives what was published, and never intended since the process died in between, an act for the rollback to undo: its commit
// may have arrived, or may be merged at any time, so the rollback puts it back and publishes its inverse.
func (u *unitRun) adoptPublished(ctx context.Context) error {
	adopted := false
	for i := range u.unit.Steps {
		s := &u.unit.Steps[i]
		for j := range s.Edits {
			e := &s.Edits[j]
			told := u.act("publish/" + e.ID)
			if told == nil || len(told.Fields) == 0 || u.act(e.ID) != nil {
				continue
			}
			fields := slices.Clone(told.Fields)
			live, err := get(ctx, u.cluster, e.Ref)
			if err != nil {
				return err
			}
			if live == nil {
				continue
			}
			act := u.intend(s, e, live)
			act.Fields, act.Hold, act.Git, adopted = fields, nil, e.Git, true
		}
	}
	if !adopted {
		return nil
	}
	return u.save(ctx)
}
