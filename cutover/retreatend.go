package cutover

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// endRetreat goes on after the write of a retreat: it waits for the first pods and for proof that the old path serves them, and lets the
// rest follow. A retreat that was never written, or that somebody has changed, only gives back what it holds.
func (u *unitRun) endRetreat(ctx context.Context, id string) error {
	a := u.act(id)
	if a == nil || a.Phase == Undone {
		return nil
	}
	live, err := get(ctx, u.cluster, a.Ref)
	if err != nil {
		return err
	}
	w := u.workload(a.Ref)
	if live != nil && w != nil && string(live.GetUID()) == a.Ref.UID {
		if compareFields(a.Fields, live).standing == standDone && len(stillOurs(a.Hold, live)) > 0 {
			if err := u.firstPods(ctx, *w); err != nil {
				return err
			}
			if err := u.oldPathServes(ctx, *w, livesByOldPath); err != nil {
				return err
			}
		}
		if err := u.release(ctx, id); err != nil {
			return err
		}
	}
	u.act(id).Phase = Undone
	return u.save(ctx)
}

// dropRetreats ends retreats for a unit that goes forward again: what they hold is given back.
func (u *unitRun) dropRetreats(ctx context.Context) error {
	for _, a := range u.rec.Acts {
		if a.Kind != ActRetreat || a.Phase == Undone {
			continue
		}
		if err := u.release(ctx, a.Edit); err != nil {
			return err
		}
		u.act(a.Edit).Phase = Undone
		if err := u.save(ctx); err != nil {
			return err
		}
	}
	return nil
}

// firstPods waits for the pods that a retreat is held at.
func (u *unitRun) firstPods(ctx context.Context, w Workload) error {
	k := max(u.plan.Limits.CanaryPods, 1)
	var last Progress
	live, err := get(ctx, u.cluster, w.Ref)
	if err != nil {
		return err
	}
	limit := max(u.standstill(live), minRollout)
	way := newHeadway()
	for again := true; again; again = errors.Is(err, errWaited) && way.remains(limit) > 0 {
		err = watch(ctx, u.cluster, u.following(w.Ref), max(way.remains(limit), time.Second), func(objs []*unstructured.Unstructured) (bool, error) {
			live := find(objs, w.Ref)
			if live == nil {
				return true, nil
			}
			way.look(live)
			last = canaryReady(live, objs, k)
			return last.Complete || last.Failed != "", nil
		})
	}
	if errors.Is(err, errWaited) || err == nil && last.Failed != "" {
		return held(HoldOldPath, "the first pods of %s on the old path alone are not ready (%s%s): the others keep the new one", w, last.Reason, last.Failed)
	}
	return err
}

// release gives back what an act holds, as far as it is still ours.
func (u *unitRun) release(ctx context.Context, id string) error {
	var lost error
	for range races(ctx) {
		a := u.act(id)
		live, err := get(ctx, u.cluster, a.Ref)
		if err != nil {
			return err
		}
		if live == nil || string(live.GetUID()) != a.Ref.UID {
			return nil
		}
		back := stillOurs(a.Hold, live)
		for _, c := range readCrumbs(live, u.plan.Lineage, u.unit.ID) {
			if c.Edit == id {
				back = append(back, Field{Path: annotation(UnbindAnnotation), Before: live.GetAnnotations()[UnbindAnnotation]})
			}
		}
		if len(back) == 0 {
			return nil
		}
		w := Write{Verb: Patch, Ref: a.Ref, ResourceVersion: live.GetResourceVersion(), Body: mustJSON(patchOps(back, live.Object))}
		if lost = u.write(ctx, &Step{ID: a.Step}, w); lost != nil && !lostRace(lost) {
			return u.explainWrite(&Edit{ID: id, Ref: a.Ref}, lost)
		}
	}
	return frozen("%s: lost every race for %s: %v", id, u.act(id).Ref, lost)
}

// allReady reports whether a workload misses no pod. One that does is not held at a partition: its missing pods would be born from the
// template that nobody admits.
func allReady(live *unstructured.Unstructured) bool {
	return live.GetKind() != "StatefulSet" || number64(live.Object, "status", "readyReplicas") >= desired(live)
}

// refusals is how often in a row a dry-run pod must be refused to count as refused: a webhook may falter.
const refusals = 3

// refusedByWebhook reports whether a pod of the workload with the webhook's label cannot be born, while the same pod without it can. Both
// are dry runs.
func (u *unitRun) refusedByWebhook(ctx context.Context, w Workload) bool {
	for range refusals {
		if refused, sure := u.refused(ctx, w, true); !refused || !sure {
			return false
		}
	}
	refused, sure := u.refused(ctx, w, false)
	return sure && !refused
}

// refused tries one pod; sure is false where the answer says nothing about it.
func (u *unitRun) refused(ctx context.Context, w Workload, labelled bool) (refused, sure bool) {
	pod, err := dryRunPod(ctx, u.cluster, w, u.unit.Strategy)
	if err != nil {
		return false, false
	}
	if !labelled {
		labels := pod.GetLabels()
		delete(labels, workloadid.UseLabel)
		pod.SetLabels(labels)
	}
	if _, err = admitDry(ctx, u.cluster, pod); err == nil {
		return false, true
	}
	result, _ := refusal(err)
	return true, result == Fail
}
