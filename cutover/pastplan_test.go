package cutover_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// failedOnce is a fleet in which an older plan has failed with its first unit, and a new plan of it.
func failedOnce(t *testing.T, then cutover.OnFailure) (f *cutovertest.Fleet, j *cutovertest.Journal, old, next *cutover.Plan) {
	t.Helper()
	f, old = manyUnits(t, 3, &cutover.PlanOptions{Soak: 10 * time.Minute, Limits: cutover.Limits{Bake: -1}})
	j = cutovertest.NewJournal()
	g := cutovertest.PassGates()
	g.Load = cutovertest.Verdict(cutover.Fail, "AADSTS700213")
	mustRun(t, runnerFor(t, f, j, g, &cutover.Options{OnFailure: then}), old)
	next, err := f.Plan(t.Context(), &cutover.PlanOptions{Soak: 20 * time.Minute, Limits: cutover.Limits{Bake: -1}})
	if err != nil || next.Digest == old.Digest {
		t.Fatalf("no new plan: %v", err)
	}
	return f, j, old, next
}

// wantNamed wants the report to say which unit freezes the fleet, and what to do.
func wantNamed(t *testing.T, rep *cutover.Report, unit string, says ...string) {
	t.Helper()
	if len(rep.Frozen) != 1 || !strings.HasPrefix(rep.Frozen[0], unit+" is ") {
		t.Fatalf("the report names %q, want %s", rep.Frozen, unit)
	}
	for _, s := range says {
		if !strings.Contains(rep.Frozen[0], s) {
			t.Errorf("%q does not say %q", rep.Frozen[0], s)
		}
	}
	for _, u := range rep.Units {
		if u.Failed != (u.ID == unit) || u.Failed && u.Reason == "" {
			t.Errorf("%s: failed=%v, reason %q", u.ID, u.Failed, u.Reason)
		}
	}
}

func TestWhatAnOlderPlanHasLeftFailedIsNamedAndCanBeLetGo(t *testing.T) {
	t.Parallel()
	const unit = "aks-eastus-01/team-00/web"
	for name, letGo := range map[string]func(ctx context.Context, r *cutover.Runner, p *cutover.Plan) (*cutover.Report, error){
		"thaw the unit": func(ctx context.Context, r *cutover.Runner, p *cutover.Plan) (*cutover.Report, error) {
			return r.Thaw(ctx, p, unit)
		},
		"thaw all": func(ctx context.Context, r *cutover.Runner, p *cutover.Plan) (*cutover.Report, error) {
			return r.Thaw(ctx, p)
		},
		"roll the unit back": func(ctx context.Context, r *cutover.Runner, p *cutover.Plan) (*cutover.Report, error) {
			return r.Rollback(ctx, p, unit)
		},
		"roll everything back": func(ctx context.Context, r *cutover.Runner, p *cutover.Plan) (*cutover.Report, error) {
			return r.Rollback(ctx, p)
		},
	} {
		bubble(t, name, func(t *testing.T) {
			f, j, _, p := failedOnce(t, cutover.RollBack)
			r := runnerFor(t, f, j, cutovertest.PassGates(), nil)
			rep := mustRun(t, r, p)
			wantStates(t, rep, cutover.Planned)
			wantNamed(t, rep, unit, "RolledBack", "AADSTS700213", "thaw the unit")
			rep, err := letGo(t.Context(), r, p)
			if err != nil {
				t.Fatal(err)
			}
			if len(rep.Frozen) != 0 {
				t.Errorf("still frozen: %q", rep.Frozen)
			}
			wantStates(t, mustRun(t, r, p), cutover.Done)
			wantNoHarm(t, f)
		})
	}
	bubble(t, "one that is not over is for its own plan", func(t *testing.T) {
		f, j, old, p := failedOnce(t, cutover.Keep)
		r := runnerFor(t, f, j, cutovertest.PassGates(), nil)
		wantNamed(t, mustRun(t, r, p), unit, "Frozen", "AADSTS700213", "roll it back with its own plan, "+old.Digest[:12])
		for name, f := range map[string]func(context.Context, *cutover.Plan, ...string) (*cutover.Report, error){"thaw": r.Thaw, "rollback": r.Rollback} {
			if _, err := f(t.Context(), p); !errors.Is(err, cutover.ErrPlanChanged) {
				t.Errorf("%s: got %v, want ErrPlanChanged", name, err)
			}
		}
		if _, err := r.Rollback(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		wantStates(t, mustRun(t, r, p), cutover.Done)
	})
	bubble(t, "the same plan again names it too", func(t *testing.T) {
		f, j, old, _ := failedOnce(t, cutover.RollBack)
		r := runnerFor(t, f, j, cutovertest.PassGates(), nil)
		wantNamed(t, mustRun(t, r, old), unit, "RolledBack", "AADSTS700213", "thaw the unit to try again")
		if _, err := r.Thaw(t.Context(), old, unit); err != nil {
			t.Fatal(err)
		}
		wantStates(t, mustRun(t, r, old), cutover.Done)
	})
}
