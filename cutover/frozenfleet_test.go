package cutover_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// events are all that a runner told.
type events struct {
	mu  sync.Mutex
	all []cutover.Event
}

func (e *events) add(x cutover.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, x)
}

// manyUnits is a cluster of so many small units: its third wave holds a quarter of them.
func manyUnits(t *testing.T, n int, opts *cutover.PlanOptions) (*cutovertest.Fleet, *cutover.Plan) {
	t.Helper()
	f := cutovertest.New(nil)
	c := f.AddCluster("aks-eastus-01", "eastus", 4)
	for i := range n {
		c.Deploy(cutovertest.App{Namespace: fmt.Sprintf("team-%02d", i), Name: "web", Replicas: 2})
	}
	settle(t)
	f.ResetTally()
	return f, planFor(t, f, opts)
}

func TestAUnitThatWaitsForItsTurnWritesNothingOnceAnotherHasFailed(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(g *cutover.Gates, gate cutover.Gate){
		"annotated": func(g *cutover.Gates, gate cutover.Gate) { g.Annotated = gate },
		"dual path": func(g *cutover.Gates, gate cutover.Gate) { g.DualPath = gate },
		"load":      func(g *cutover.Gates, gate cutover.Gate) { g.Load = gate },
		"canary":    func(g *cutover.Gates, gate cutover.Gate) { g.Canary = gate },
		"unbound":   func(g *cutover.Gates, gate cutover.Gate) { g.Unbound = gate },
	} {
		for _, then := range []cutover.OnFailure{cutover.RollBack, cutover.Keep} {
			bubble(t, name+" "+string(then), func(t *testing.T) {
				f, p := manyUnits(t, 6, &cutover.PlanOptions{Soak: 10 * time.Minute, Limits: cutover.Limits{Bake: -1}})
				both := p.Waves[2].Units
				if len(both) != 2 {
					t.Fatalf("wave %s holds %v", p.Waves[2].Name, both)
				}
				g := cutovertest.PassGates()
				set(&g, func(_ context.Context, tg cutover.Target) cutover.Verdict {
					if !slices.Contains(both, tg.Unit.ID) {
						return cutover.Verdict{Gate: "V3", Result: cutover.Pass}
					}
					time.Sleep(time.Hour) // long enough for the other to get as far as it may
					return cutover.Verdict{Gate: "V3", Result: cutover.Fail, Reason: "AADSTS700213"}
				})
				var told events
				mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, &cutover.Options{OnFailure: then, OnEvent: told.add}), p)
				failed, others := "", 0
				for _, e := range told.all {
					switch {
					case e.Verdict != nil && e.Verdict.Result == cutover.Fail:
						failed = e.Unit
					case failed != "" && e.Unit != failed && e.Type == cutover.EventWrite:
						others++
						t.Errorf("%s after %s had failed: step %s, %s", e.Unit, failed, e.Step, e.Message)
					}
				}
				if failed == "" {
					t.Error("nothing failed")
				}
				wantNoHarm(t, f)
			})
		}
	}
}

// stuck is a cluster that refuses some writes.
type stuck struct {
	cutover.Cluster
	refuse func(w cutover.Write) bool
}

func (s stuck) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	if s.refuse(w) {
		return nil, apierrors.NewForbidden(schema.GroupResource{Resource: "horizontalpodautoscalers"}, w.Ref.Name, errors.New("not any more"))
	}
	return s.Cluster.Write(ctx, w)
}

func TestTheFleetIsFrozenEvenIfWhatAFailedGateInducedCannotBeRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := cutovertest.New(nil)
		c := f.AddCluster("aks-eastus-01", "eastus", 4)
		for i := range 6 {
			c.Deploy(cutovertest.App{Namespace: fmt.Sprintf("team-%02d", i), Name: "web", Replicas: 3, HPA: true})
		}
		settle(t)
		f.ResetTally()
		p := planFor(t, f, &cutover.PlanOptions{Soak: 10 * time.Minute, Limits: cutover.Limits{Bake: -1, PerCluster: -1, PerRegion: -1, InducePods: 10}})
		both := p.Waves[2].Units
		bad := both[0]
		g, failed := cutovertest.PassGates(), false
		g.Load = func(ctx context.Context, tg cutover.Target) cutover.Verdict {
			if !slices.Contains(both, tg.Unit.ID) {
				return cutover.Verdict{Gate: "load", Result: cutover.Pass}
			}
			if tg.Unit.ID != bad { // the other takes longer, and passes
				return cutovertest.Wait(time.Hour)(ctx, tg)
			}
			v := inducing(ctx, tg)
			failed, v.Result, v.Reason = true, cutover.Fail, "AADSTS700213"
			return v
		}
		clusters := map[string]cutover.Cluster{c.Name(): stuck{f.Cluster(c.Name()), func(w cutover.Write) bool {
			return failed && w.Ref.Kind == "HorizontalPodAutoscaler"
		}}}
		r, err := cutover.NewRunner(clusters, cutovertest.NewJournal(), g, &cutover.Options{Trust: f, Exchanger: f, Oracle: f})
		if err != nil {
			t.Fatal(err)
		}
		rep, err := r.Run(t.Context(), p)
		var unit *cutover.UnitError
		if !errors.As(err, &unit) || unit.Unit != bad {
			t.Errorf("got %v, want the error of %s", err, bad)
		}
		for _, u := range rep.Units {
			if u.ID == both[1] && (u.State != cutover.Held || u.Hold != cutover.HoldFreeze) {
				t.Errorf("the other unit is %s (%s), want Held by the freeze", u.State, u.Hold)
			}
		}
	})
}
