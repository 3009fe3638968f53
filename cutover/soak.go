package cutover

import (
	"context"
	"errors"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// soakDoubts is how many inconclusive looks in a row end a soak for now.
const soakDoubts = 3

// soak watches the unit until the soak time has been seen without a gap. Only what was watched and judged clean counts: a look that is
// inconclusive does not, and time between two runs does not.
func (u *unitRun) soak(ctx context.Context, s *Step) error {
	doubts := 0
	for u.rec.Soaked < u.unit.Soak {
		look := min(u.r.opts.SoakEvery, u.unit.Soak-u.rec.Soaked)
		if err := u.quiet(ctx, look); err != nil {
			return err
		}
		v, err := u.judge(ctx, s, u.r.gates.Soak)
		switch {
		case err != nil:
			return err
		case v.Result == Fail:
			return failed("%s: %s", v.Gate, v.Reason)
		case v.Result == Inconclusive:
			if doubts++; doubts >= soakDoubts {
				return held(HoldEvidence, "%s: %s", v.Gate, v.Reason)
			}
			continue
		}
		doubts = 0
		u.rec.Soaked += look
		if err := u.save(ctx); err != nil {
			return err
		}
	}
	return nil
}

// quiet watches the workloads of the unit for a while: nobody may put back what it has changed.
func (u *unitRun) quiet(ctx context.Context, d time.Duration) error {
	var sels []Selection
	for _, w := range u.unit.Workloads {
		if !leftToFinish(w.Kind) {
			sels = append(sels, Selection{APIVersion: w.APIVersion, Kind: w.Kind, Namespace: w.Namespace, Name: w.Name})
		}
	}
	err := watch(ctx, u.cluster, sels, d, func(objs []*unstructured.Unstructured) (bool, error) {
		if slices.ContainsFunc(objs, u.reverted) {
			return false, errReverted
		}
		return false, nil
	})
	if errors.Is(err, errWaited) {
		return nil
	}
	return err
}
