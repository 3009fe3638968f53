package cutover

import (
	"cmp"
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A retreat is the way back while the webhook is down. A template that carries both labels needs it for every new pod (failurePolicy
// Fail), so putting the old label back alone would end the births. Instead one write puts the old label back and takes the webhook's
// away: new pods are born on the old path alone. The pods that live keep the new path, for which they need no webhook, and are held
// where the kind can hold, until Pod Identity serves the first new ones. The way back from a single rollout that has gone past its canary
// is a retreat whatever the webhook does: nothing but the one write lies between its pods and the old path alone.

// retreat makes the write, waits for proof, and lets the rest follow. It does nothing where the webhook's label is not ours any more.
func (u *unitRun) retreat(ctx context.Context, w Workload) error {
	if err := u.oldPathStands(ctx); err != nil {
		return err
	}
	id := "retreat/" + w.String()
	var lost error
	for range races(ctx) {
		live, err := get(ctx, u.cluster, w.Ref)
		if err != nil {
			return err
		}
		if unbind := u.unbindAct(w.Ref); live == nil || unbind == nil || string(live.GetUID()) != unbind.Ref.UID {
			return nil // gone, or another by now
		}
		back := stillOurs(u.labels(w), live)
		if !slices.ContainsFunc(back, func(f Field) bool { return !isOldLabel(f.Path) }) {
			return u.endRetreat(ctx, id)
		}
		act := u.intendRetreat(w, live, back)
		if err := u.save(ctx); err != nil {
			return err
		}
		fields := beforeImages(slices.Concat(act.Fields, act.Hold), live)
		if len(act.Hold) == 0 {
			fields = append(fields, stillOurs(u.holdNow(u.unbindAct(w.Ref), live), live)...)
		}
		fields = append(fields, u.retreatCrumb(act, live)...)
		write := Write{Verb: Patch, Ref: act.Ref, ResourceVersion: live.GetResourceVersion(), Body: mustJSON(patchOps(fields, live.Object))}
		if lost = u.write(ctx, &Step{ID: act.Step}, write); lost != nil && !lostRace(lost) {
			return u.explainWrite(&Edit{ID: id, Ref: act.Ref}, lost)
		}
	}
	return frozen("%s: lost every race for %s: %v", id, w.Ref, lost)
}

// labels are the fields of the unit's edits of a workload's template, as the acts remember them.
func (u *unitRun) labels(w Workload) []Field {
	var out []Field
	for _, id := range []string{"unbind/" + w.String(), "switch/" + w.String(), "label/" + w.String()} {
		if a := u.act(id); a != nil && a.Note != noteAlready && a.Phase != Undone {
			out = append(out, a.Fields...)
		}
	}
	return out
}

// intendRetreat remembers what is about to be done. Fields that hold a canary already keep the before-images of that hold.
func (u *unitRun) intendRetreat(w Workload, live *unstructured.Unstructured, back []Field) *Act {
	id, ref := "retreat/"+w.String(), w.Ref
	ref.UID = string(live.GetUID())
	next := Act{Edit: id, Step: u.unbindAct(w.Ref).Step, Kind: ActRetreat, Verb: Patch, Ref: ref, Phase: Intended, Fields: back}
	if canHold(w.Kind) && w.Kind != "DaemonSet" && w.Borrower == nil && allReady(live) { // on the way back nobody evicts for a DaemonSet
		next.Hold = holdFields(live, max(u.plan.Limits.CanaryPods, 1))
	}
	was := u.act(id)
	for _, a := range []*Act{was, u.unbindAct(w.Ref)} {
		if a != nil {
			next.Hold = inherit(next.Hold, u.holdNow(a, live), live)
		}
	}
	if was != nil {
		*was = next
		return was
	}
	u.rec.Acts = append(u.rec.Acts, next)
	return &u.rec.Acts[len(u.rec.Acts)-1]
}

// retreatCrumb takes the place of the breadcrumb of what is put back: what is held must be known if the journal is lost now.
func (u *unitRun) retreatCrumb(a *Act, live *unstructured.Unstructured) []Field {
	f := Field{Path: annotation(UnbindAnnotation)}
	if len(a.Hold) > 0 {
		f.After = compact(Crumb{Lineage: u.plan.Lineage, Unit: u.unit.ID, Edit: a.Edit, Fields: a.Fields, Hold: a.Hold})
	}
	value, there := live.GetAnnotations()[UnbindAnnotation]
	if !there && f.After == nil {
		return nil
	}
	if there {
		f.Before = value
	}
	return []Field{f}
}

// remindRetreat remembers again, for a unit without a record, the retreat that holds a workload.
func (u *unitRun) remindRetreat(ctx context.Context, w Workload) error {
	if !canHold(w.Kind) {
		return nil
	}
	live, err := get(ctx, u.cluster, w.Ref)
	if err != nil || live == nil {
		return err
	}
	for _, c := range readCrumbs(live, u.plan.Lineage, u.unit.ID) {
		if c.Edit != "retreat/"+w.String() {
			continue
		}
		a := Act{Edit: c.Edit, Step: "rebuilt", Kind: ActRetreat, Verb: Patch, Ref: w.Ref, Phase: Committed, Fields: c.Fields, Hold: c.Hold}
		a.Ref.UID = cmp.Or(a.Ref.UID, string(live.GetUID()))
		u.rec.Acts, u.rec.Rebuilt = append(u.rec.Acts, a), true
	}
	return nil
}

// inherit gives fields that an earlier hold of ours still holds the before-images of that one.
func inherit(hold, earlier []Field, live *unstructured.Unstructured) []Field {
	for _, was := range stillOurs(earlier, live) {
		if i := slices.IndexFunc(hold, func(f Field) bool { return pointer(f.Path) == pointer(was.Path) }); i >= 0 {
			hold[i].Before = was.After
		}
	}
	return hold
}
