package cutover_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// leaseOf is who a unit's only Lease names, and how long ago it was renewed; "nobody" for one that was released, "" for none.
func leaseOf(t *testing.T, c *cutovertest.Cluster) (holder string, age time.Duration) {
	t.Helper()
	leases, err := c.List(context.WithoutCancel(t.Context()), cutover.Selection{APIVersion: "coordination.k8s.io/v1", Kind: "Lease", Namespace: "ops"})
	if err != nil || len(leases) > 1 {
		t.Fatalf("%d leases: %v", len(leases), err)
	}
	if len(leases) == 0 {
		return "", 0
	}
	at, _, _ := unstructured.NestedString(leases[0].Object, "spec", "renewTime")
	renewed, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		t.Fatal(err)
	}
	holder, there, _ := unstructured.NestedString(leases[0].Object, "spec", "holderIdentity")
	if !there {
		holder = "nobody"
	}
	return holder, time.Since(renewed)
}

func inCluster(t *testing.T, f *cutovertest.Fleet) *cutover.ConfigMapJournal {
	t.Helper()
	j, err := cutover.NewConfigMapJournal(f.Clusters(), "ops")
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestALeaseSaysWhoWorksOnAUnitWhileHeDoes(t *testing.T) {
	bubble(t, "it is renewed while the unit waits for days, at a calm pace, and released at the end", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		p, g := planFor(t, f, nil), cutovertest.PassGates()
		g.Load = cutovertest.Wait(48 * time.Hour)
		r, done := runnerFor(t, f, inCluster(t, f), g, &cutover.Options{Actor: "me"}), make(chan struct{})
		go func() {
			defer close(done)
			rep, err := r.Run(t.Context(), p)
			if err != nil {
				t.Error(err)
			}
			wantStates(t, rep, cutover.Done)
		}()
		time.Sleep(time.Hour)
		all, _ := f.Requests()
		for range 40 {
			time.Sleep(time.Hour + time.Minute)
			if holder, age := leaseOf(t, c); holder != "me" || age > 5*time.Minute {
				t.Errorf("the lease names %s, and was renewed %s ago", holder, age)
			}
		}
		now, _ := f.Requests()
		if perHour := (now - all) / 41; perHour > 20 {
			t.Errorf("%d requests an hour of a unit that waits", perHour)
		}
		<-done
		if holder, _ := leaseOf(t, c); holder != "nobody" {
			t.Errorf("after the run the lease names %s", holder)
		}
	})
	for name, end := range map[string]func(r *cutover.Runner, ctx context.Context, p *cutover.Plan) error{
		"a run that is told to stop releases it": func(r *cutover.Runner, ctx context.Context, p *cutover.Plan) error {
			ctx, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			_, err := r.Run(ctx, p)
			return err
		},
		"a rollback releases it": func(r *cutover.Runner, ctx context.Context, p *cutover.Plan) error {
			stop, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			_, err := r.Run(stop, p)
			_, again := r.Rollback(ctx, p)
			return errors.Join(err, again)
		},
		"an abort releases it": func(r *cutover.Runner, ctx context.Context, p *cutover.Plan) error {
			stop, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			_, err := r.Run(stop, p)
			_, again := r.Abort(ctx, p)
			return errors.Join(err, again)
		},
	} {
		bubble(t, name, func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{})
			p, g := planFor(t, f, nil), cutovertest.PassGates()
			g.Load = cutovertest.Wait(48 * time.Hour)
			if err := end(runnerFor(t, f, inCluster(t, f), g, &cutover.Options{Actor: "me"}), t.Context(), p); err != nil {
				t.Fatal(err)
			}
			if holder, _ := leaseOf(t, c); holder != "nobody" {
				t.Errorf("the lease names %s", holder)
			}
		})
	}
	bubble(t, "who has taken a unit over keeps its lease, whatever becomes of the one before", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		p := planFor(t, f, nil)
		begin := func(actor string, wait time.Duration) chan error {
			g, done := cutovertest.PassGates(), make(chan error, 1)
			g.Load = cutovertest.Wait(wait)
			r := runnerFor(t, f, inCluster(t, f), g, &cutover.Options{Actor: actor})
			go func() {
				_, err := r.Run(t.Context(), p)
				done <- err
			}()
			return done
		}
		first := begin("first", 12*time.Hour)
		time.Sleep(2 * time.Hour)
		second := begin("second", 24*time.Hour)
		for range 10 {
			time.Sleep(time.Hour)
			if holder, age := leaseOf(t, c); holder != "second" || age > 5*time.Minute {
				t.Errorf("the lease names %s, and was renewed %s ago", holder, age)
			}
		}
		if err := <-first; !errors.Is(err, cutover.ErrFenced) {
			t.Errorf("the first ended with %v", err)
		}
		if holder, _ := leaseOf(t, c); holder != "second" {
			t.Errorf("once the first has ended, the lease names %s", holder)
		}
		if err := <-second; err != nil {
			t.Error(err)
		}
	})
	bubble(t, "a cluster that refuses leases holds nobody up", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		p := planFor(t, f, nil)
		clusters := map[string]cutover.Cluster{c.Name(): stuck{c, func(w cutover.Write) bool { return w.Ref.Kind == "Lease" }}}
		j, err := cutover.NewConfigMapJournal(clusters, "ops")
		if err != nil {
			t.Fatal(err)
		}
		wantStates(t, mustRun(t, runnerFor(t, f, j, cutovertest.PassGates(), nil), p), cutover.Done)
		if holder, _ := leaseOf(t, c); holder != "" {
			t.Errorf("the lease names %s", holder)
		}
	})
}
