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

// soak watches the unit until the soak time has been seen without a gap, and every CronJob has run. Only what was watched and judged
// clean counts: a look that is inconclusive does not, nor one with a gap in its watch, and time between two runs does not.
func (u *unitRun) soak(ctx context.Context, s *Step) error {
	need, crons, err := u.soakNeed(ctx)
	if err != nil {
		return err
	}
	if need > u.unit.Soak {
		u.tell(Event{Type: EventStep, Step: s.ID, State: u.rec.State, Message: "soaks for " + need.String() + ", the longest time between two runs of a CronJob"})
	}
	if err := u.soakFor(ctx, s, need); err != nil {
		return err
	}
	return u.waitSoakRuns(ctx, crons)
}

func (u *unitRun) soakFor(ctx context.Context, s *Step, need time.Duration) error {
	doubts := 0
	for u.rec.Soaked < need {
		look := min(u.r.opts.SoakEvery, need-u.rec.Soaked)
		gaps, err := u.quiet(ctx, look)
		if err != nil {
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
		if gaps > 0 {
			if doubts++; doubts >= soakDoubts {
				return held(HoldEvidence, "the watch of the unit had gaps in %d looks in a row: what was not seen does not count", doubts)
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

// quiet watches the workloads of the unit for a while: nobody may put back what it has changed. It says how many gaps the watch had.
func (u *unitRun) quiet(ctx context.Context, d time.Duration) (gaps int, err error) {
	var sels []Selection
	for _, w := range u.unit.Workloads {
		if !leftToFinish(w.Kind) {
			sels = append(sels, Selection{APIVersion: w.APIVersion, Kind: w.Kind, Namespace: w.Namespace, Name: w.Name})
		}
		if w.Kind == "CronJob" {
			sels = append(sels, Selection{APIVersion: "batch/v1", Kind: "Job", Namespace: w.Namespace})
		}
	}
	seen := &gapReader{Reader: u.cluster}
	err = watch(ctx, seen, compactSelections(sels), d, func(objs []*unstructured.Unstructured) (bool, error) {
		if slices.ContainsFunc(objs, u.reverted) {
			return false, errReverted
		}
		u.seeRuns(objs)
		return false, nil
	})
	if errors.Is(err, errWaited) {
		err = nil
	}
	return seen.gaps, err
}

func compactSelections(sels []Selection) []Selection {
	var out []Selection
	for _, s := range sels {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// gapReader counts the gaps of its watches.
type gapReader struct {
	Reader
	gaps int
}

// Watch implements Reader.
func (g *gapReader) Watch(ctx context.Context, sels []Selection, fn func(WatchEvent) bool) error {
	return g.Reader.Watch(ctx, sels, func(e WatchEvent) bool {
		if e.Type == Gap {
			g.gaps++
		}
		return fn(e)
	})
}
