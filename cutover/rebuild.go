package cutover

import (
	"cmp"
	"context"
	"slices"
)

// rebuild remembers again, for a unit without a record, what breadcrumbs say that an earlier run of it has done: a rollback must know of
// all of it, and of the old label before anything else. It writes nothing. Steps run in order, so the run goes on at the furthest that has left a breadcrumb:
// the gates before it have passed, and those after it judge the same pods again.
func (u *unitRun) rebuild(ctx context.Context) error {
	for i := range u.unit.Steps {
		s := &u.unit.Steps[i]
		for j := range s.Edits {
			if err := u.remindEdit(ctx, i, &s.Edits[j]); err != nil {
				return err
			}
		}
	}
	if u.rec.Next > 0 {
		u.rec.State = u.unit.Steps[u.rec.Next-1].Kind.State()
		u.rec.Reached = u.rec.State
	}
	for _, w := range u.unit.Workloads {
		if err := u.remindRetreat(ctx, w); err != nil {
			return err
		}
	}
	if err := u.findProbes(ctx); err != nil {
		return err
	}
	return u.findInduced(ctx)
}

// remindEdit remembers one edit, where its object has a breadcrumb of it.
func (u *unitRun) remindEdit(ctx context.Context, step int, e *Edit) error {
	if e.Git || e.Verb == Delete || e.Release != "" || len(e.Fields) == 0 || e.Fields[0].Live || e.Fields[0].Path == nil {
		return nil
	}
	live, err := get(ctx, u.cluster, e.Ref)
	if err != nil || live == nil {
		return err
	}
	if u.unit.Steps[step].Kind == StepSuspend {
		u.remindSuspend(step, e, live)
		return nil
	}
	for _, c := range readCrumbs(live, u.plan.Lineage, u.unit.ID) {
		if c.Edit != e.ID {
			continue
		}
		s := &u.unit.Steps[step]
		a := Act{Edit: e.ID, Step: s.ID, Kind: kindOf(s, e), Verb: e.Verb, Ref: e.Ref, Phase: Committed, Fields: c.Fields, Hold: c.Hold}
		a.Ref.UID = cmp.Or(e.Ref.UID, string(live.GetUID())) // one that was made again with a copy of our breadcrumb is not ours
		if len(a.Fields) == 0 {
			a.Fields = slices.Clone(e.Fields)
		}
		if e.Publish && u.r.opts.Publish != nil { // its repository was told, and must be told when it is undone
			told := Act{Edit: "publish/" + e.ID, Step: s.ID, Kind: ActPublish, Ref: e.Ref, Fields: slices.Clone(a.Fields), Phase: Committed}
			u.rec.Acts = append(u.rec.Acts, told)
		}
		u.rec.Acts, u.rec.Rebuilt, u.rec.Next = append(u.rec.Acts, a), true, step
	}
	return nil
}
