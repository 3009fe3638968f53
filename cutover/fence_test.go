package cutover_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// landing notes the writes that are made once it is told to.
type landing struct {
	cutover.Cluster
	noting atomic.Bool
	landed []string
}

func (l *landing) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	o, err := l.Cluster.Write(ctx, w)
	if err == nil && l.noting.Load() {
		l.landed = append(l.landed, fmt.Sprintf("%s %s %s %s", w.Verb, w.Ref, w.Subresource, w.Body))
	}
	return o, err
}

// abortedBefore lets a runner fall asleep right before its n-th write, another abort its unit meanwhile, and the first wake up. It returns how
// many writes the first has made, and which of them have landed after the abort.
func abortedBefore(t *testing.T, n int) (writes int, landed []string) {
	t.Helper()
	f, c := oneApp(t, cutovertest.App{Replicas: -1})
	p, j := planFor(t, f, &cutover.PlanOptions{ProbeIdle: approve, Soak: 10 * time.Minute}), cutovertest.NewJournal()
	stall, l := cutovertest.NewStall(n, 90*time.Second), &landing{Cluster: c}
	sleeper, err := cutover.NewRunner(stall.Clusters(map[string]cutover.Cluster{c.Name(): l}), stall.Journal(j), probing(),
		&cutover.Options{Trust: f, Exchanger: f, Oracle: f, Actor: "sleeper"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := sleeper.Run(t.Context(), p)
		done <- err
	}()
	select {
	case <-stall.Began():
		rep, err := runnerFor(t, f, j, probing(), &cutover.Options{Actor: "other"}).Abort(t.Context(), p)
		if err != nil {
			t.Errorf("write %d: %v", n, err)
		}
		l.noting.Store(rep.Units[0].State == cutover.Held) // before the first save there is nothing to abort, and after the last one nothing either
		if err := <-done; err != nil && !errors.Is(err, cutover.ErrFenced) {
			t.Errorf("write %d: %v", n, err)
		}
	case <-done:
	}
	return stall.Writes(), l.landed
}

func TestNothingLandsOnceAUnitWasAbortedNotEvenAProbe(t *testing.T) {
	t.Parallel()
	for n, more := 1, true; more; n += stride {
		synctest.Test(t, func(t *testing.T) {
			writes, landed := abortedBefore(t, n)
			if more = writes >= n; len(landed) > 0 {
				t.Errorf("write %d: landed after the abort: %s", n, landed)
			}
		})
	}
}

func TestTwoProcessesOfOneHostAndNumberAreTwoActors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a container that is started again in its pod is PID 1 of the same host
		f, _ := oneApp(t, cutovertest.App{})
		p, j := planFor(t, f, nil), cutovertest.NewJournal()
		actors := map[string]bool{}
		for range 3 {
			g := cutovertest.PassGates()
			g.Load = cutovertest.Verdict(cutover.Inconclusive, "later")
			mustRun(t, runnerFor(t, f, j, g, nil), p)
			rec, err := j.Load(t.Context(), cutover.Key{Cluster: "aks-eastus-01", Unit: p.Units[0].ID})
			if err != nil {
				t.Fatal(err)
			}
			actors[rec.Actor] = true
		}
		if len(actors) != 3 {
			t.Errorf("three runners are %v", actors)
		}
	})
}
