package cutover_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// full is a ResourceQuota with room for no more than that many pods.
func full(pods string) map[string]any {
	return map[string]any{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": map[string]any{"name": "pods", "namespace": "shop"},
		"spec": map[string]any{"hard": map[string]any{"pods": pods}}}
}

func TestAResourceQuotaThatIsFull(t *testing.T) {
	t.Parallel()
	bubble(t, "a rollout that it stops is rolled back, with the controller's reason", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		before := c.Dump()
		g := cutovertest.PassGates()
		g.Annotated = func(context.Context, cutover.Target) cutover.Verdict { // after preflight
			c.Create(full("3"))
			return cutover.Verdict{Result: cutover.Pass}
		}
		rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), planFor(t, f, nil))
		wantStates(t, rep, cutover.RolledBack)
		for _, says := range []string{"was not complete after 10m0s", "ReplicaFailure FailedCreate", "exceeded quota: pods, requested: pods=1, used: pods=3, limited: pods=3"} {
			if !strings.Contains(rep.Units[0].Reason, says) {
				t.Errorf("rolled back for %q, want %q in it", rep.Units[0].Reason, says)
			}
		}
		after := c.Dump()
		delete(after, "ResourceQuota/shop/pods")
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("before (-) and after the rollback (+):\n%s", diff)
		}
		wantNoHarm(t, f)
	})
	bubble(t, "a rollout goes on when room is made in time", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		g := cutovertest.PassGates()
		g.Annotated = func(context.Context, cutover.Target) cutover.Verdict {
			c.Create(full("3"))
			c.After(5*time.Minute, func(s *cutovertest.Script) {
				s.Edit("ResourceQuota", "shop", "pods", "kubectl", func(o map[string]any) {
					o["spec"].(map[string]any)["hard"] = map[string]any{"pods": "10"}
				})
			})
			return cutover.Verdict{Result: cutover.Pass}
		}
		wantStates(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), planFor(t, f, nil)), cutover.Done)
		wantNoHarm(t, f)
	})
	bubble(t, "preflight stops a unit whose surge has no room, before anything is written", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		c.Create(full("3"))
		rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), realGates(nil), nil), planFor(t, f, nil))
		wantFrozen(t, rep, "PF12 ResourceQuota/pods: pods: 0 left")
		if _, writes := f.Requests(); writes != 0 {
			t.Errorf("%d writes", writes)
		}
	})
}
