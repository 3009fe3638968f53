package cutover_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// TestARollbackWithoutAJournalPutsBackWhatBreadcrumbsTellOf kills a process after each of its writes and throws its journal away; a rollback
// without a memory, and without a run before it, leaves the cluster as it was before the migration.
func TestARollbackWithoutAJournalPutsBackWhatBreadcrumbsTellOf(t *testing.T) {
	t.Parallel()
	for _, a := range []cutovertest.App{{HPA: true}, {Kind: "DaemonSet"}, {Kind: "StatefulSet", Replicas: 2}, {Kind: "CronJob"}} {
		for n, more := 1, true; more; n += stride {
			synctest.Test(t, func(t *testing.T) { more = rollBackLostAfter(t, a, n) })
		}
	}
}

// rollBackLostAfter reports whether there was an n-th write.
func rollBackLostAfter(t *testing.T, a cutovertest.App, n int) bool {
	t.Helper()
	f, c, p := oneSet(t, a)
	before := quiesced(c)
	j := cutovertest.NewJournal()
	g := inducingGates()
	g.Soak = cutovertest.Verdict(cutover.Inconclusive, "later") // what is finished has lost its breadcrumbs
	crash := cutovertest.NewCrash(n, false)
	r, err := cutover.NewRunner(crash.Clusters(f.Clusters()), crash.Journal(j), g, &cutover.Options{Patience: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Run(crash.Context(t.Context()), p)
	_, crashed := crash.Writes()
	if err != nil && !errors.Is(err, cutovertest.ErrCrashed) && !errors.Is(err, context.Canceled) {
		t.Errorf("%s, write %d: %v", a.Kind, n, err)
	}
	j.Lose()
	r = runnerFor(t, f, j, cutovertest.PassGates(), &cutover.Options{Patience: time.Hour})
	stands, err := r.Status(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	touched := cmp.Diff(before, quiesced(c)) != ""
	if told := strings.Contains(stands.Units[0].Reason, "no record"); told != touched {
		t.Errorf("%s, write %d: the unit is touched: %v; its status says %s: %s", a.Kind, n, touched, stands.Units[0].State, stands.Units[0].Reason)
	}
	rep := mustRollback(t, r, p)
	if s := rep.Units[0].State; touched && s != cutover.RolledBack || !touched && s != cutover.Planned {
		t.Errorf("%s, write %d: the unit is touched: %v; rolled back it is %s (%s)", a.Kind, n, touched, s, rep.Units[0].Reason)
	}
	if diff := cmp.Diff(before, quiesced(c)); diff != "" {
		t.Errorf("%s, write %d: before (-) and after the rollback (+):\n%s", a.Kind, n, diff)
	}
	wantNoHarm(t, f)
	return crashed
}

// TestARollbackThatLosesItsJournalGoesOn kills a rollback after each of its writes, and throws the journal away.
func TestARollbackThatLosesItsJournalGoesOn(t *testing.T) {
	t.Parallel()
	for n, more := 1, true; more; n += stride {
		synctest.Test(t, func(t *testing.T) {
			f, c, p := oneUnit(t)
			before := quiesced(c)
			j := cutovertest.NewJournal()
			g := inducingGates()
			g.Soak = cutovertest.Verdict(cutover.Inconclusive, "later")
			mustRun(t, runnerFor(t, f, j, g, nil), p)
			crash := cutovertest.NewCrash(n, false)
			r, err := cutover.NewRunner(crash.Clusters(f.Clusters()), crash.Journal(j), g, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Rollback(crash.Context(t.Context()), p); err != nil && !errors.Is(err, cutovertest.ErrCrashed) && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			_, more = crash.Writes()
			j.Lose()
			mustRollback(t, runnerFor(t, f, j, g, nil), p)
			if diff := cmp.Diff(before, quiesced(c)); diff != "" {
				t.Errorf("write %d: before (-) and after the rollback (+):\n%s", n, diff)
			}
			wantNoHarm(t, f)
		})
	}
}

func TestARollbackWithoutAJournalTouchesNothingThatIsNotKnownToBeItsOwn(t *testing.T) {
	bubble(t, "a unit that was never begun stays as it is, and gets no record", func(t *testing.T) {
		f, c, p := oneUnit(t)
		before := c.Dump()
		j := cutovertest.NewJournal()
		wantStates(t, mustRollback(t, runnerFor(t, f, j, cutovertest.PassGates(), nil), p), cutover.Planned)
		if diff := cmp.Diff(before, c.Dump()); diff != "" || j.Text() != "" {
			t.Errorf("the journal holds %q, and:\n%s", j.Text(), diff)
		}
	})
	bubble(t, "a unit that was finished is an error, for its breadcrumbs are gone", func(t *testing.T) {
		f, c, p := oneUnit(t)
		j := cutovertest.NewJournal()
		r := runnerFor(t, f, j, inducingGates(), nil)
		wantStates(t, mustRun(t, r, p), cutover.Done)
		before := c.Dump()
		j.Lose()
		_, err := r.Rollback(t.Context(), p)
		var unit *cutover.UnitError
		if !errors.Is(err, cutover.ErrNoRecord) || !errors.As(err, &unit) || !strings.Contains(err.Error(), "Deployment/web") {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff(before, c.Dump()); diff != "" {
			t.Errorf("it changed:\n%s", diff)
		}
	})
	bubble(t, "a binding that is gone is made again by a person, before anything is put back", func(t *testing.T) {
		f, c, p := oneUnit(t)
		origin := quiesced(c)
		j := cutovertest.NewJournal()
		gone := false
		dies := func(ctx context.Context, c cutover.Cluster, w cutover.Write) (*unstructured.Unstructured, error) {
			if gone {
				return nil, cutovertest.ErrCrashed
			}
			gone = w.Verb == cutover.Delete
			return c.Write(ctx, w)
		}
		r, err := cutover.NewRunner(map[string]cutover.Cluster{c.Name(): writeTo{c, dies}}, j, inducingGates(), &cutover.Options{Trust: f, Exchanger: f, Oracle: f})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = r.Run(t.Context(), p); !errors.Is(err, cutovertest.ErrCrashed) {
			t.Fatalf("got %v", err)
		}
		j.Lose()
		before := quiesced(c)
		r = runnerFor(t, f, j, inducingGates(), nil)
		wantFrozen(t, mustRollback(t, r, p), "AzureIdentityBinding/shop-web-binding is gone, and its before-image is lost")
		if diff := cmp.Diff(before, quiesced(c)); diff != "" {
			t.Errorf("it changed:\n%s", diff)
		}
		binding := origin["AzureIdentityBinding/shop/shop-web-binding"]
		c.Create(map[string]any{"apiVersion": "aadpodidentity.k8s.io/v1", "kind": "AzureIdentityBinding",
			"metadata": map[string]any{"name": "shop-web-binding", "namespace": "shop"}, "spec": binding["spec"]})
		wantStates(t, mustRollback(t, r, p), cutover.RolledBack)
		if diff := cmp.Diff(origin, quiesced(c)); diff != "" {
			t.Errorf("before (-) and after the rollback (+):\n%s", diff)
		}
		wantNoHarm(t, f)
	})
	bubble(t, "an object that was made again with our breadcrumb is another", func(t *testing.T) {
		f, c, p := oneUnit(t)
		j := cutovertest.NewJournal()
		g := inducingGates()
		g.Soak = cutovertest.Verdict(cutover.Inconclusive, "later")
		r := runnerFor(t, f, j, g, nil)
		mustRun(t, r, p)
		j.Lose()
		was, err := c.Get(t.Context(), cutover.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"})
		if err != nil || !c.Remove("Deployment", "shop", "web") {
			t.Fatal(err)
		}
		for _, f := range []string{"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"} {
			unstructured.RemoveNestedField(was.Object, "metadata", f)
		}
		delete(was.Object, "status")
		c.Create(was.Object)
		settle(t)
		before := c.Dump()["Deployment/shop/web"]
		rep := mustRollback(t, r, p)
		if diff := cmp.Diff(before, c.Dump()["Deployment/shop/web"]); diff != "" {
			t.Errorf("it changed:\n%s", diff)
		}
		if !strings.Contains(strings.Join(rep.Units[0].Left, "\n"), "another by now") {
			t.Errorf("left: %v", rep.Units[0].Left)
		}
	})
}

func TestAnAbortWithoutAJournalRestoresInducedLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, p := oneUnit(t)
		j := cutovertest.NewJournal()
		g := inducingGates()
		g.Load = staysInduced
		crash := cutovertest.NewCrash(0, false)
		r, err := cutover.NewRunner(crash.Clusters(f.Clusters()), crash.Journal(j), g, &cutover.Options{Actor: "other"})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		var other error
		go func() {
			defer close(done)
			_, other = r.Run(crash.Context(t.Context()), p)
		}()
		time.Sleep(15 * time.Minute)
		if n := minReplicas(c); n != int64(6) {
			t.Fatalf("minReplicas is %v: nothing was induced to begin with", n)
		}
		j.Lose()
		me := runnerFor(t, f, j, inducingGates(), &cutover.Options{Actor: "me"})
		rep, err := me.Abort(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		wantHold(t, rep, cutover.HoldAbort, "told to stop")
		if n := minReplicas(c); n != int64(3) {
			t.Errorf("minReplicas is %v after the abort, want 3", n)
		}
		if <-done; !errors.Is(other, cutover.ErrFenced) {
			t.Errorf("the process that was fenced off ended with %v", other)
		}
		wantStates(t, mustRun(t, me, p), cutover.Done)
		wantNoHarm(t, f)
	})
}

// TestARetreatThatLosesItsJournalGivesBackWhatItHolds kills the rollback of a unit whose webhook is down after each of its writes.
func TestARetreatThatLosesItsJournalGivesBackWhatItHolds(t *testing.T) {
	t.Parallel()
	for n, more := 1, true; more; n += stride {
		synctest.Test(t, func(t *testing.T) {
			f, c, p := soaking(t, catalog.ModeStandard, cutovertest.App{Replicas: 4})
			before := quiesced(c)["Deployment/shop/web"]
			j := cutovertest.NewJournal()
			soakUntilTheWebhookFails(t, f, c, p, j)
			crash := cutovertest.NewCrash(n, false)
			r, err := cutover.NewRunner(crash.Clusters(f.Clusters()), crash.Journal(j), cutovertest.PassGates(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Rollback(crash.Context(t.Context()), p); err != nil && !errors.Is(err, cutovertest.ErrCrashed) && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			_, more = crash.Writes()
			j.Lose()
			mustRollback(t, runnerFor(t, f, j, cutovertest.PassGates(), nil), p)
			if diff := cmp.Diff(before, quiesced(c)["Deployment/shop/web"]); diff != "" {
				t.Errorf("write %d: before (-) and after the rollback (+):\n%s", n, diff)
			}
			wantNoHarm(t, f)
		})
	}
}
