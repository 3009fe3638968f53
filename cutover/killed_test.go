package cutover_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// Kill at every write, before and after, with: go test ./cutover -run Killed -hostile.every 1.
var hostileEvery = flag.Int("hostile.every", 8*stride, "kill at every n-th write, by turns before and after; 1 kills at all of them, both ways")

// killing is one way in which a unit moves with the provided gates, in a process that is killed.
type killing struct {
	name string
	mode cutover.Mode
	back bool
	kind string // a Deployment, if it is not said
}

// TestKilledAnywhereAUnitEndsAsIfItHadNotBeen kills a process that moves a unit with the provided gates, in every mode, forward and back.
func TestKilledAnywhereAUnitEndsAsIfItHadNotBeen(t *testing.T) {
	for _, k := range []killing{
		{"direct", cutover.Direct, false, ""}, {"direct, rolling back", cutover.Direct, true, ""},
		{"by Git", cutover.GitOps, false, ""}, {"by Git, rolling back", cutover.GitOps, true, ""},
		{"with the tool suspended", cutover.Suspend, false, ""}, {"with the tool suspended, rolling back", cutover.Suspend, true, ""},
		{"node by node", cutover.Direct, false, "DaemonSet"}, {"node by node, rolling back", cutover.Direct, true, "DaemonSet"},
	} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			writes := 0
			synctest.Test(t, func(t *testing.T) { writes = k.run(t, 0, false) })
			for n := 1; n <= writes; n++ {
				for _, before := range []bool{true, false} {
					turn := n / *hostileEvery % 2 == 0
					if n%*hostileEvery == 0 && (*hostileEvery == 1 || before == turn) {
						synctest.Test(t, func(t *testing.T) { k.run(t, n, before) })
					}
				}
			}
		})
	}
}

// world is a fleet of one busy unit.
func (k killing) world(t *testing.T) (*cutovertest.Fleet, *cutovertest.Cluster) {
	t.Helper()
	if k.kind == "" {
		return loaded(t)
	}
	f, c := oneApp(t, cutovertest.App{Kind: k.kind})
	breatheIn(c, cutovertest.App{Namespace: "shop", Name: "web", Kind: k.kind}, 9)
	return f, c
}

// run moves the unit, and then back if it is asked to, in a process that dies at its n-th write of that, and in others after it. It
// returns the number of writes that the first process made.
func (k killing) run(t *testing.T, n int, before bool) int {
	t.Helper()
	f, c := k.world(t)
	c.Create(map[string]any{
		"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
		"metadata": map[string]any{"name": "shop", "namespace": "flux-system"}, "spec": map[string]any{"interval": "10m"},
	})
	if k.mode != cutover.Direct {
		c.Edit("Deployment", "shop", "web", "kustomize-controller", func(o map[string]any) {
			o["metadata"].(map[string]any)["labels"] = map[string]any{"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
		})
	}
	f.ResetTally()
	p := planFor(t, f, &cutover.PlanOptions{Soak: 20 * time.Minute, Mode: func(cutover.Unit) cutover.Mode { return k.mode }})
	g := cutovertest.NewGuard(f, p)
	j := cutovertest.NewJournal()
	writes, want := 0, cutover.Done
	if k.back {
		k.lives(t, f, p, g, j, false, 0, false)
		writes, want = k.lives(t, f, p, g, j, true, n, before), cutover.RolledBack
	} else {
		writes = k.lives(t, f, p, g, j, false, n, before)
	}
	time.Sleep(10 * time.Minute)
	rep, err := runnerFor(t, f, j, realGates(nil), nil).Status(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if u := rep.Units[0]; u.State != want {
		t.Errorf("killed at write %d, before=%v: it is %s (%s: %s), want %s", n, before, u.State, u.Hold, u.Reason, want)
	}
	g.Secret("the journal", j.Text())
	for _, b := range g.Finish(rep) {
		t.Errorf("killed at write %d, before=%v: %v", n, before, b)
	}
	wantNoHarm(t, f)
	return writes
}

// lives lets one process after the other work until one comes to an end. The first one may be killed.
func (k killing) lives(t *testing.T, f *cutovertest.Fleet, p *cutover.Plan, g *cutovertest.Guard, j cutover.Journal, back bool, n int, before bool) int {
	t.Helper()
	return lives(t, 4, n, before, func(ctx context.Context, life int, crash *cutovertest.Crash) error {
		r, err := cutover.NewRunner(crash.Clusters(f.Clusters()), crash.Journal(j), g.Gates(realGates(nil)), &cutover.Options{
			Actor: fmt.Sprintf("life-%d-%v", life, back), Trust: f, Exchanger: f, Oracle: f, Patience: 2 * time.Hour, OnEvent: g.Event, Publish: merging(f),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = either(ctx, r, p, back); errors.Is(err, cutover.ErrNoRecord) {
			return nil
		}
		return err
	})
}

// merging is a repository in which every removal of the old label is merged within minutes.
func merging(f *cutovertest.Fleet) func(context.Context, cutover.Publication) error {
	return func(_ context.Context, p cutover.Publication) error {
		if strings.Contains(p.StrategicMerge, "aadpodidbinding: null") {
			f.Cluster(p.Cluster).After(5*time.Minute, func(s *cutovertest.Script) {
				s.Edit(p.Object.Kind, p.Object.Namespace, p.Object.Name, "kustomize-controller", func(o map[string]any) {
					delete(o["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any), "aadpodidbinding")
				})
			})
		}
		return nil
	}
}
