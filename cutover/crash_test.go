package cutover_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// staysInduced is a load gate that induces, and has the load stay there for an hour.
func staysInduced(ctx context.Context, t cutover.Target) cutover.Verdict {
	if v := inducing(ctx, t); v.Result != cutover.Pass {
		return v
	}
	return cutovertest.Wait(time.Hour)(ctx, t)
}

// inducing is a load gate that scales an HPA out, waits for the pods, and passes.
func inducing(ctx context.Context, t cutover.Target) cutover.Verdict {
	if t.Unit.Workloads[0].Kind == "DaemonSet" { // nothing scales it
		return cutovertest.Wait(2*time.Minute)(ctx, t)
	}
	hpa := cutover.Ref{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler", Namespace: t.Unit.Namespace, Name: "web"}
	if err := t.Induce(ctx, cutover.Induction{Object: hpa, Path: []string{"spec", "minReplicas"}, To: 6, Extra: 3}); err != nil {
		return cutover.Verdict{Gate: "load", Result: cutover.Inconclusive, Reason: err.Error()}
	}
	return cutovertest.Wait(2*time.Minute)(ctx, t)
}

func inducingGates() cutover.Gates {
	g := cutovertest.PassGates()
	g.Load = func(ctx context.Context, t cutover.Target) cutover.Verdict { return inducing(ctx, t) }
	g.LoadAgain = g.Load
	g.Annotated = realGates(nil).Annotated
	return g
}

// oneUnit is a small fleet with one unit, as crash tests begin with it.
func oneUnit(t *testing.T) (*cutovertest.Fleet, *cutovertest.Cluster, *cutover.Plan) {
	t.Helper()
	f := cutovertest.New(nil)
	c := f.AddCluster("aks-eastus-01", "eastus", 4)
	c.Deploy(cutovertest.App{Namespace: "shop", Name: "web", HPA: true})
	settle(t)
	f.ResetTally()
	return f, c, planFor(t, f, &cutover.PlanOptions{Limits: cutover.Limits{InducePods: 10}, Soak: 10 * time.Minute})
}

// outcome is what must be the same however often the process died.
type outcome struct {
	Dump      map[string]map[string]any
	Templates int
	Failed    int
	Wrong     int
}

func outcomeOf(f *cutovertest.Fleet, c *cutovertest.Cluster) outcome {
	time.Sleep(10 * time.Minute) // for an autoscaler to take back what was induced
	tally := f.Tally()
	return outcome{c.Dump(), tally.ReplicaSets, tally.Failed, tally.Wrong}
}

// journey runs a plan, and then rolls it back if asked to, in a process that dies at its n-th write, and in others after it until it is
// through. It returns the number of writes of the first process.
func journey(t *testing.T, f *cutovertest.Fleet, p *cutover.Plan, j cutover.Journal, back bool, n int, before bool) int {
	t.Helper()
	want := cutover.Done
	if back {
		want = cutover.RolledBack
	}
	return lives(t, 5, n, before, func(ctx context.Context, _ int, crash *cutovertest.Crash) error {
		clusters := crash.Clusters(f.Clusters())
		kept := j
		if kept == nil { // the journal lies in the cluster: each of its writes is one of the cluster's
			var err error
			if kept, err = cutover.NewConfigMapJournal(clusters, "ops"); err != nil {
				t.Fatal(err)
			}
		} else {
			kept = crash.Journal(kept)
		}
		r, err := cutover.NewRunner(clusters, kept, inducingGates(), &cutover.Options{Patience: time.Hour, Evict: true})
		if err != nil {
			t.Fatal(err)
		}
		rep, err := either(ctx, r, p, back)
		if _, crashed := crash.Writes(); crashed {
			return err
		}
		if err != nil && !errors.Is(err, cutover.ErrNoRecord) {
			return err
		}
		wantStates(t, rep, want)
		return nil
	})
}

// lives lets processes work, one after the other and at most so many, until one comes to its end. The first one dies at its n-th write.
// It returns how many writes that one made; the error of the one that lived is fatal.
func lives(t *testing.T, most, n int, before bool, work func(ctx context.Context, life int, crash *cutovertest.Crash) error) int {
	t.Helper()
	first := 0
	for life := range most {
		crash := cutovertest.NewCrash(0, false)
		if life == 0 {
			crash = cutovertest.NewCrash(n, before)
		}
		ctx, cancel := context.WithCancel(crash.Context(t.Context()))
		err := work(ctx, life, crash)
		cancel()
		writes, crashed := crash.Writes()
		if life == 0 {
			first = writes
		}
		if crashed {
			continue
		}
		if err != nil {
			t.Fatalf("life %d: %v", life, err)
		}
		return first
	}
	t.Fatal("it never came to its end")
	return first
}

// either runs a plan, or rolls it back.
func either(ctx context.Context, r *cutover.Runner, p *cutover.Plan, back bool) (*cutover.Report, error) {
	if back {
		return r.Rollback(ctx, p)
	}
	return r.Run(ctx, p)
}

// crashAtEach makes a journey anew with a crash at each of its writes, before and after it, and wants the outcome of the undisturbed one.
func crashAtEach[T any](t *testing.T, writes int, want T, journey func(t *testing.T, n int, before bool) T) {
	t.Helper()
	for n := 1; n <= writes; n += stride {
		for _, before := range []bool{true, false} {
			bubble(t, fmt.Sprintf("write %d before=%v", n, before), func(t *testing.T) {
				if diff := cmp.Diff(want, journey(t, n, before)); diff != "" {
					t.Errorf("undisturbed (-) and crashed (+) journeys differ:\n%s", diff)
				}
			})
		}
	}
}

func TestACrashAtAnyWriteChangesNothingInTheEnd(t *testing.T) {
	t.Parallel()
	var want outcome
	writes := 0
	synctest.Test(t, func(t *testing.T) {
		f, c, p := oneUnit(t)
		writes = journey(t, f, p, cutovertest.NewJournal(), false, 0, false)
		want = outcomeOf(f, c)
	})
	if want.Templates != 2 || want.Failed != 0 || want.Wrong != 0 {
		t.Fatalf("undisturbed run: %d new templates, %d failed, %d wrong", want.Templates, want.Failed, want.Wrong)
	}
	crashAtEach(t, writes, want, func(t *testing.T, n int, before bool) outcome {
		f, c, p := oneUnit(t)
		journey(t, f, p, cutovertest.NewJournal(), false, n, before)
		return outcomeOf(f, c)
	})
}

func TestACrashAtAnyWriteOfARollbackChangesNothingInTheEnd(t *testing.T) {
	t.Parallel()
	var want outcome
	writes := 0
	synctest.Test(t, func(t *testing.T) {
		f, c, p := oneUnit(t)
		origin := c.Dump()
		j := cutovertest.NewJournal()
		journey(t, f, p, j, false, 0, false)
		writes = journey(t, f, p, j, true, 0, false)
		want = outcomeOf(f, c)
		if diff := cmp.Diff(origin, want.Dump); diff != "" {
			t.Errorf("before the migration (-) and after its rollback (+):\n%s", diff)
		}
	})
	if want.Templates != 2 || want.Failed != 0 || want.Wrong != 0 {
		t.Fatalf("undisturbed rollback: %d new templates, %d failed, %d wrong", want.Templates, want.Failed, want.Wrong)
	}
	crashAtEach(t, writes, want, func(t *testing.T, n int, before bool) outcome {
		f, c, p := oneUnit(t)
		j := cutovertest.NewJournal()
		journey(t, f, p, j, false, 0, false)
		journey(t, f, p, j, true, n, before)
		return outcomeOf(f, c)
	})
}

func TestACrashAtAnyWriteOfAJournalInTheClusterChangesNothingInTheEnd(t *testing.T) {
	t.Parallel()
	var want outcome
	writes := 0
	clean := func(f *cutovertest.Fleet, c *cutovertest.Cluster) outcome {
		o := outcomeOf(f, c)
		for name := range o.Dump {
			if strings.HasPrefix(name, "ConfigMap/ops/") || strings.HasPrefix(name, "Lease/ops/") {
				delete(o.Dump, name)
			}
		}
		return o
	}
	synctest.Test(t, func(t *testing.T) {
		f, c, p := oneUnit(t)
		writes = journey(t, f, p, nil, false, 0, false)
		want = clean(f, c)
	})
	for n := 1; n <= writes; n += 3 * stride { // every third, by turns before and after: the journal in memory has been through all of them
		synctest.Test(t, func(t *testing.T) {
			f, c, p := oneUnit(t)
			journey(t, f, p, nil, false, n, n/(3*stride)%2 == 0)
			if diff := cmp.Diff(want, clean(f, c)); diff != "" {
				t.Errorf("write %d: undisturbed (-) and crashed (+) runs differ:\n%s", n, diff)
			}
		})
	}
}
