package cutover

import (
	"context"
	"errors"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type progressRule func(w *unstructured.Unstructured, others []*unstructured.Unstructured) Progress

// minRollout is the least time that a rollout may stand still.
const minRollout = 10 * time.Minute

// waitRollout watches a workload until the rule says that it is complete. It evicts where the update strategy needs it and that is
// allowed, and looks out for somebody putting back what the unit has changed.
func (u *unitRun) waitRollout(ctx context.Context, s *Step, rule progressRule) error {
	ref, way := u.rolling(s), newHeadway()
	for {
		var last Progress
		live, err := get(ctx, u.cluster, ref)
		if err != nil {
			return err
		}
		limit := u.standstill(live)
		err = watch(ctx, u.cluster, u.following(ref), max(way.remains(limit), time.Second), func(objs []*unstructured.Unstructured) (bool, error) {
			w := find(objs, ref)
			if w == nil {
				return false, frozen("%s is not there any more", ref)
			}
			if u.reverted(w) {
				return false, errReverted
			}
			way.look(w)
			last = rule(w, objs)
			return last.Complete || last.Failed != "" || last.Hold != "" || last.Evict != "", nil
		})
		switch {
		case errors.Is(err, errWaited) && way.remains(limit) > 0: // slow, but it moves
		case errors.Is(err, errWaited):
			return failed("the rollout of %s was not complete after %s without headway: %s", ref, limit, last.Reason)
		case err != nil:
			return err
		case last.Failed != "":
			return failed("the rollout of %s: %s", ref, last.Failed)
		case last.Complete:
			return nil
		case last.Evict != "":
			if err := u.evict(ctx, s, ref, last); err != nil {
				return err
			}
			way.restart() // every pod gets its own time
		default:
			if err := u.holdRollout(ctx, ref, last, rule); err != nil {
				return err
			}
			way.restart()
		}
	}
}

// rolling is the object whose rollout is to be watched: the workload of the step, or the Argo Rollout that borrows its template.
func (u *unitRun) rolling(s *Step) Ref {
	for _, w := range u.unit.Workloads {
		if w.Borrower != nil && w.Same(*s.Workload) {
			return *w.Borrower
		}
	}
	return *s.Workload
}

func find(objs []*unstructured.Unstructured, ref Ref) *unstructured.Unstructured {
	i := slices.IndexFunc(objs, func(o *unstructured.Unstructured) bool {
		return o.GetKind() == ref.Kind && o.GetName() == ref.Name && o.GetNamespace() == ref.Namespace
	})
	if i < 0 {
		return nil
	}
	return objs[i]
}

func (u *unitRun) holdRollout(ctx context.Context, ref Ref, p Progress, rule progressRule) error {
	return u.patient(ctx, u.following(ref), p.Hold, ref.String()+": "+p.Reason, func(objs []*unstructured.Unstructured) (bool, error) {
		w := find(objs, ref)
		return w == nil || u.reverted(w) || rule(w, objs).Hold == "", nil
	})
}

// reverted reports whether a committed change of ours on the object has been put back.
func (u *unitRun) reverted(w *unstructured.Unstructured) bool {
	for i := range u.rec.Acts {
		a := &u.rec.Acts[i]
		if a.Kind != ActEdit || a.Phase != Committed || a.Verb == Delete || a.Ref.UID != string(w.GetUID()) || u.superseded(a) {
			continue
		}
		if d := compareFields(a.Fields, w); d.standing != standDone {
			return true
		}
	}
	return false
}
