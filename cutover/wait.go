package cutover

import (
	"context"
	"errors"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// check looks at the objects of a watch; true ends the wait.
type check func(objs []*unstructured.Unstructured) (bool, error)

// errWaited: the limit of a wait has passed.
var errWaited = errors.New("waited long enough")

// watch calls done with what is there, and again after every change, until it says true, fails, or limit has passed (errWaited). It
// reads through watches only: a unit that waits costs nothing.
func watch(ctx context.Context, c Reader, sels []Selection, limit time.Duration, done check) error {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, errWaited)
		defer cancel()
	}
	objs := map[string]*unstructured.Unstructured{}
	synced := false
	var found error
	err := c.Watch(ctx, sels, func(e WatchEvent) bool {
		switch e.Type {
		case Present:
			objs[objectKey(e.Object)] = e.Object
		case Gone:
			delete(objs, objectKey(e.Object))
		case Gap:
			clear(objs)
			synced = false
		case Synced:
			synced = true
		}
		if !synced {
			return true
		}
		ok, err := done(sortedObjects(objs))
		found = err
		return !ok && err == nil
	})
	switch {
	case found != nil:
		return found
	case err != nil && errors.Is(context.Cause(ctx), errWaited):
		return errWaited
	}
	return heldLoggedOut(err)
}

func objectKey(o *unstructured.Unstructured) string {
	return o.GetKind() + "\x00" + o.GetNamespace() + "\x00" + o.GetName()
}

func sortedObjects(m map[string]*unstructured.Unstructured) []*unstructured.Unstructured {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := make([]*unstructured.Unstructured, 0, len(keys))
	for _, k := range keys {
		out = append(out, m[k])
	}
	return out
}

// patient waits for what a held unit waits for, for as long as the runner's patience, and then leaves it held.
func (u *unitRun) patient(ctx context.Context, sels []Selection, h Hold, reason string, done check) error {
	if u.r.opts.Patience <= 0 {
		return held(h, "%s", reason)
	}
	state, waiting := u.rec.State, Held
	if state == RollingBack {
		waiting = RollingBack // the next run must not go forward
	}
	if err := u.setState(ctx, waiting, h, reason); err != nil {
		return err
	}
	err := u.aside(ctx, func() error { return watch(ctx, u.cluster, sels, u.r.opts.Patience, done) })
	if errors.Is(err, errWaited) {
		return held(h, "%s", reason)
	}
	if err != nil {
		return err
	}
	return u.setState(ctx, state, "", "")
}

// wait does the waiting of a step.
func (u *unitRun) wait(ctx context.Context, s *Step) error {
	switch s.Wait {
	case WaitRollout:
		if w := u.workload(*s.Workload); w != nil && w.Probe && w.Kind == "CronJob" {
			return nil // no Job need be there yet: its gate makes one
		}
		return u.waitRollout(ctx, s, Rollout)
	case WaitCanary:
		k, err := u.canary(ctx, s)
		if err != nil || k == 0 {
			return err
		}
		return u.waitRollout(ctx, s, func(w *unstructured.Unstructured, o []*unstructured.Unstructured) Progress {
			return canaryReady(w, o, k)
		})
	case WaitSoak:
		return u.soak(ctx, s)
	case WaitUnassigned:
		return u.waitUnassigned(ctx)
	case WaitJobs:
	}
	return nil
}
