package cutover

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// caughtUpWithin is how long a tool gets to reconcile once it is resumed: longer than the intervals of both (Flux 10 minutes, Argo CD 3).
const caughtUpWithin = 15 * time.Minute

// resumeTool takes the unit off the tool's list, and goes on only once the tool has been resumed, has reconciled, and what the unit has
// changed is still there: then Git says the same, and the bindings may go. Nothing is deleted under a suspended tool.
func (u *unitRun) resumeTool(ctx context.Context, s *Step, e *Edit) error {
	if act := u.act(e.ID); act == nil || act.Phase != Committed {
		live, err := get(ctx, u.cluster, e.Ref)
		if err != nil || live == nil {
			return err // without its tool nothing reconciles the unit
		}
		u.intendResume(s, e, live)
		if err := u.save(ctx); err != nil {
			return err
		}
		if err := u.releaseTool(ctx, s, e.Ref, e.Fields[0].Path); err != nil {
			return err
		}
		u.act(e.ID).Phase = Committed
		if err := u.save(ctx); err != nil {
			return err
		}
	}
	err := u.agreesWithGit(ctx, e)
	if errors.Is(err, errReverted) {
		return u.suspendAgain(ctx, e)
	}
	return err
}

// intendResume remembers when the tool had reconciled last, so that a later reconciliation is known as such.
func (u *unitRun) intendResume(s *Step, e *Edit, live *unstructured.Unstructured) {
	if u.act(e.ID) == nil {
		act := Act{Edit: e.ID, Step: s.ID, Kind: ActRelease, Verb: Patch, Ref: refOf(live), Phase: Intended, Fields: e.Fields}
		act.Before = map[string]any{"reconciledAt": text(live.Object, "status", "reconciledAt")}
		u.rec.Acts = append(u.rec.Acts, act)
	}
}

// agreesWithGit waits until the tool is resumed by everybody and has reconciled. It is errReverted when a change of the unit's was put back.
func (u *unitRun) agreesWithGit(ctx context.Context, e *Edit) error {
	path, was := e.Fields[0].Path, text(u.act(e.ID).Before, "reconciledAt")
	sels := []Selection{{APIVersion: e.Ref.APIVersion, Kind: e.Ref.Kind, Namespace: e.Ref.Namespace, Name: e.Ref.Name}}
	for _, w := range u.unit.Workloads {
		if !leftToFinish(w.Kind) {
			sels = append(sels, Selection{APIVersion: w.APIVersion, Kind: w.Kind, Namespace: w.Namespace, Name: w.Name})
		}
	}
	for {
		live, err := get(ctx, u.cluster, e.Ref)
		if err != nil {
			return err
		}
		if live == nil {
			return nil
		}
		if value, _ := lookup(live.Object, path); suspends(value) {
			if err := u.waitResumed(ctx, e, sels[:1], readSuspension(live)); err != nil {
				return err
			}
			continue
		}
		why := ""
		err = watch(ctx, u.cluster, sels, caughtUpWithin, func(objs []*unstructured.Unstructured) (bool, error) {
			if slices.ContainsFunc(objs, u.reverted) {
				return false, errReverted
			}
			tool := find(objs, e.Ref)
			if tool == nil {
				return true, nil
			}
			why = behind(tool, was, u.unit)
			value, _ := lookup(tool.Object, path)
			return why == "" || suspends(value), nil
		})
		switch {
		case errors.Is(err, errWaited):
			return held(HoldGit, "%s is resumed, but %s: whether Git has the changes of the unit is unknown, and nothing is deleted before it is", e.Ref, why)
		case err != nil:
			return err
		case why == "":
			return u.accountsStand(ctx)
		}
	}
}

// waitResumed waits for the others who hold the tool.
func (u *unitRun) waitResumed(ctx context.Context, e *Edit, sels []Selection, now Suspension) error {
	by := "somebody else"
	if len(now.By) > 0 {
		by = now.units()
	}
	reason := e.Ref.String() + " is still suspended by " + by + ": what Git has shows when it is resumed, and nothing is deleted before"
	return u.patient(ctx, sels, HoldGit, reason, func(objs []*unstructured.Unstructured) (bool, error) {
		tool := find(objs, e.Ref)
		if tool == nil {
			return true, nil
		}
		value, _ := lookup(tool.Object, e.Fields[0].Path)
		return !suspends(value), nil
	})
}

// accountsStand looks at the service accounts once more.
func (u *unitRun) accountsStand(ctx context.Context) error {
	for _, a := range u.unit.Accounts {
		live, err := get(ctx, u.cluster, a.Ref)
		if err != nil {
			return err
		}
		if live != nil && u.reverted(live) {
			return errReverted
		}
	}
	return nil
}

// suspendAgain: the tool has put back what its repository does not know yet. The change is made again, and the next run asks again.
func (u *unitRun) suspendAgain(ctx context.Context, e *Edit) error {
	id := suspendPrefix + strings.TrimPrefix(e.ID, resumePrefix)
	u.rec.Acts = slices.DeleteFunc(slices.Clone(u.rec.Acts), func(a Act) bool { return a.Edit == e.ID })
	for i := range u.unit.Steps {
		s := &u.unit.Steps[i]
		for j := range s.Edits {
			if s.Edits[j].ID != id {
				continue
			}
			if act := u.act(id); act != nil {
				act.Phase = Intended // it was resumed by us
			}
			if err := u.suspend(ctx, s, &s.Edits[j]); err != nil {
				return err
			}
		}
	}
	if err := u.heal(ctx); err != nil {
		return err
	}
	for _, w := range u.unit.Workloads {
		if leftToFinish(w.Kind) || w.Template == nil || w.Kind == "CronJob" {
			continue
		}
		if err := u.waitRollout(ctx, &Step{ID: e.ID, Kind: StepResume, Workload: &w.Ref}, Rollout); err != nil {
			return err
		}
	}
	return held(HoldGit,
		"%s has put back a change of the unit when it was resumed: its commit is not merged. The tool is suspended again; merge, and run again", e.Ref)
}

// behind says why it is not known yet that a resumed tool has reconciled; "" once it has. Flux tells the generation that it has reconciled
// (https://fluxcd.io/flux/components/kustomize/kustomizations/#observed-generation); Argo CD, when it did so last, and which resources
// are not what Git says.
func behind(tool *unstructured.Unstructured, was string, u *Unit) string {
	if tool.GetKind() == "Kustomization" {
		status, reason := condition(tool, "Ready")
		switch {
		case number64(tool.Object, "status", "observedGeneration") < tool.GetGeneration():
			return "it has not reconciled since"
		case status == "False" || status == "Unknown":
			return "it is not Ready (" + reason + ")"
		}
		return ""
	}
	if at := text(tool.Object, "status", "reconciledAt"); at == "" || at == was {
		return "it has not reconciled since"
	}
	list, _ := lookup(tool.Object, []string{"status", "resources"})
	items, _ := list.([]any)
	for _, it := range items {
		r, _ := it.(map[string]any)
		mine := slices.ContainsFunc(u.Workloads, func(w Workload) bool {
			return w.Kind == text(r, "kind") && w.Name == text(r, "name") && w.Namespace == text(r, "namespace")
		})
		if mine && text(r, "status") == "OutOfSync" {
			return "its " + text(r, "kind") + "/" + text(r, "name") + " is OutOfSync"
		}
	}
	return ""
}
