package cutover

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// settleSlice is how long a rollback waits for pods between two looks at whether the webhook lets them be born.
const settleSlice = 30 * time.Second

// settled waits until the pods have followed an undone change.
func (u *unitRun) settled(ctx context.Context, edit string) error {
	a := u.act(edit)
	if a.Git || u.act("publish/"+edit) != nil {
		if err := u.unpublish(ctx, a); err != nil {
			return err
		}
	}
	w := u.workload(a.Ref)
	if w == nil || a.Ref.Kind == "CronJob" {
		return nil
	}
	ref := u.rolling(&Step{Workload: &a.Ref})
	for way := newHeadway(); ; {
		live, err := get(ctx, u.cluster, ref)
		if err != nil {
			return err
		}
		limit := max(u.standstill(live), minRollout)
		last, err := u.follow(ctx, ref, min(settleSlice, max(way.remains(limit), time.Second)), way)
		switch {
		case errors.Is(err, errWaited) && u.unbound(a) != nil && !addsNewPath(a) && u.refusedByWebhook(ctx, *w):
			if err := u.retreat(ctx, *w); err != nil {
				return err
			}
			way.restart()
		case errors.Is(err, errWaited) && way.remains(limit) <= 0:
			return frozen("%s is not healthy on its old template after %s without headway: %s%s", ref, limit, last.Reason, last.Failed)
		case errors.Is(err, errWaited):
		case err != nil:
			return err
		case last.Evict != "" && u.r.opts.Evict:
			if err := u.evict(ctx, &Step{ID: u.act(edit).Step, Workload: &ref}, ref, last); err != nil {
				return err
			}
			way.restart()
		case last.Evict != "" || last.Hold != "":
			u.act(edit).Note = ref.String() + " has its old template back, but not all of its pods: " + last.Reason
			return nil
		default:
			return nil
		}
	}
}

// follow watches a rollout until it is complete or waits for something outside; no longer than the limit (errWaited).
func (u *unitRun) follow(ctx context.Context, ref Ref, limit time.Duration, way *headway) (Progress, error) {
	var last Progress
	err := watch(ctx, u.cluster, u.following(ref), limit, func(objs []*unstructured.Unstructured) (bool, error) {
		w := find(objs, ref)
		if w == nil {
			return true, nil
		}
		way.look(w)
		last = Rollout(w, objs)
		return last.Complete || last.Hold != "" || last.Evict != "", nil
	})
	return last, err
}

// unpublish hands the inverse of a published change to the Publisher: the object has its old value back already, and what somebody adds
// to a live object survives a sync, but the repository must come to say the same.
func (u *unitRun) unpublish(ctx context.Context, a *Act) error {
	if u.r.opts.Publish == nil {
		a.Note = "put back on the object; its commit must be reverted by a person"
		return nil
	}
	if err := u.r.opts.Publish(ctx, u.change(&Edit{ID: a.Edit, Ref: a.Ref}, invert(a.Fields))); err != nil {
		a.Note = "put back on the object; the inverse could not be published: " + err.Error()
		return nil //nolint:nilerr // the cluster is as it was: a person reads the note
	}
	a.Note = "put back on the object; the inverse was published, and must be merged"
	return nil
}
