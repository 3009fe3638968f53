package cutover

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// putBack makes the write that undoes an act, and waits for the pods.
func (u *unitRun) putBack(ctx context.Context, edit string) error {
	var lost error
	proven := false
	for range races(ctx) {
		a := u.act(edit)
		live, err := get(ctx, u.cluster, a.Ref)
		if err != nil {
			return err
		}
		if live == nil || string(live.GetUID()) != a.Ref.UID {
			a.Note = a.Ref.String() + " is gone, or another by now: left alone"
			return nil
		}
		if w := u.workload(a.Ref); w != nil && addsNewPath(a) && !proven && len(stillOurs(a.Fields, live)) > 0 {
			// The new path goes: the old one must serve by now.
			if a.Verb == Apply && !carriesOldLabel(*w, live) {
				return frozen("%s does not carry its old label %s any more, and this unit did not take it: the old path would not work; the new one is left in place",
					a.Ref, w.Selector)
			}
			if err := u.oldPathServes(ctx, *w, livesByBoth); err != nil {
				return err
			}
			proven = true
			continue
		}
		w, needed := u.inverse(a, live)
		if !needed {
			return u.arrived(ctx, edit)
		}
		if a.Ref.Kind == "ServiceAccount" && !proven {
			if err := u.waitNewPathJobs(ctx, a.Ref); err != nil {
				return err
			}
			proven = true
			continue
		}
		if lost = u.write(ctx, &Step{ID: a.Step}, w); lost != nil && !lostRace(lost) {
			return u.explainWrite(&Edit{ID: "undo " + a.Edit, Ref: a.Ref}, lost)
		}
	}
	return frozen("undo %s: lost every race for %s: %v", edit, u.act(edit).Ref, lost)
}

// carriesOldLabel reports whether the template still has the old label that the plan found; true where it had none.
func carriesOldLabel(w Workload, live *unstructured.Unstructured) bool {
	if w.Selector == "" || w.Template == nil {
		return true
	}
	value, _ := lookup(live.Object, templateLabel(w, podidentity.Label))
	return value == w.Selector
}

// arrived waits until the pods have followed. Once the webhook's label is gone from a workload, the old path must serve what is there.
func (u *unitRun) arrived(ctx context.Context, edit string) error {
	if err := u.settled(ctx, edit); err != nil {
		return err
	}
	a := u.act(edit)
	if w := u.workload(a.Ref); w != nil && addsNewPath(a) {
		return u.oldPathServes(ctx, *w, livesByOldPath)
	}
	return nil
}

// workload returns the unit's workload of that reference, or nil.
func (u *unitRun) workload(r Ref) *Workload {
	i := slices.IndexFunc(u.unit.Workloads, func(w Workload) bool { return w.Same(r) })
	if i < 0 {
		return nil
	}
	return &u.unit.Workloads[i]
}

// unbound returns the workload that an act took the old label from; nil for any other act.
func (u *unitRun) unbound(a *Act) *Workload {
	if a.Kind != ActEdit || len(a.Fields) == 0 || !isOldLabel(a.Fields[0].Path) {
		return nil
	}
	return u.workload(a.Ref)
}

// inverse is the write that undoes an act on the object as it is now; false when there is nothing of ours left on it. What somebody else
// has changed is noted and left.
func (u *unitRun) inverse(a *Act, live *unstructured.Unstructured) (Write, bool) {
	w := Write{Verb: a.Verb, Ref: a.Ref, ResourceVersion: live.GetResourceVersion()}
	if a.Verb == Apply {
		mine := false
		for _, f := range a.Fields {
			value, _ := lookup(live.Object, f.Path)
			mine = mine || same(value, f.After) && slices.Contains(owners(live, f.Path), Manager)
			if !same(value, f.After) && !same(value, f.Before) {
				a.Note = fmt.Sprintf("%s is %s by now: left alone", pointer(f.Path), show(value))
			}
		}
		_, marked := live.GetAnnotations()[CrumbAnnotation]
		w.Body = mustJSON(applyBody(a.Ref, nil, ""))
		return w, mine || marked && slices.Contains(owners(live, annotation(CrumbAnnotation)), Manager)
	}
	back := stillOurs(slices.Concat(a.Fields, u.holdNow(a, live)), live)
	for _, f := range a.Fields {
		if value, _ := lookup(live.Object, f.Path); !same(value, f.After) && !same(value, f.Before) {
			a.Note = fmt.Sprintf("%s is %s by now: left alone", pointer(f.Path), show(value))
		}
	}
	if value, ok := live.GetAnnotations()[UnbindAnnotation]; ok && len(a.Fields) > 0 && isOldLabel(a.Fields[0].Path) {
		back = append(back, Field{Path: annotation(UnbindAnnotation), Before: value})
	}
	w.Body = mustJSON(patchOps(back, live.Object))
	return w, len(back) > 0
}
