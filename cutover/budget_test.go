package cutover_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// budget is a PodDisruptionBudget over the pods of web.
func budget(least int) map[string]any {
	return map[string]any{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": map[string]any{"name": "web", "namespace": "shop"},
		"spec": map[string]any{"minAvailable": int64(least), "selector": map[string]any{"matchLabels": map[string]any{"app": "web"}}}}
}

func TestAPodDisruptionBudgetIsObeyed(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"StatefulSet", "DaemonSet"} {
		bubble(t, "a "+kind+" with OnDelete is held while its budget refuses, and goes on when it allows", func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{Kind: kind, OnDelete: true, Replicas: 4})
			c.Create(budget(4))
			p, j := planFor(t, f, nil), cutovertest.NewJournal()
			r := runnerFor(t, f, j, cutovertest.PassGates(), &cutover.Options{Evict: true})
			births := f.Tally().Births
			wantHold(t, mustRun(t, r, p), cutover.HoldEviction, "a PodDisruptionBudget refuses the eviction of pod web-")
			if n := f.Tally().Births; n != births {
				t.Errorf("%d pods were replaced against the budget", n-births)
			}
			relax := func(s *cutovertest.Script) {
				s.Edit("PodDisruptionBudget", "shop", "web", "kubectl", func(o map[string]any) { o["spec"].(map[string]any)["minAvailable"] = int64(3) })
			}
			c.After(20*time.Minute, relax)
			rep := mustRun(t, runnerFor(t, f, j, cutovertest.PassGates(), &cutover.Options{Evict: true, Patience: time.Hour}), p)
			wantStates(t, rep, cutover.Done)
			wantNoHarm(t, f)
		})
	}
	for name, refuses := range map[string]map[string]any{
		"needs every pod": {"minAvailable": int64(4)}, "counts what may be away, which nothing counts of a DaemonSet": {"maxUnavailable": int64(1)},
	} {
		bubble(t, "the canary of a rolling DaemonSet is held while a budget "+name, func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{Kind: "DaemonSet"})
			before := c.Dump()
			b := budget(0)
			refuses["selector"] = b["spec"].(map[string]any)["selector"]
			b["spec"] = refuses
			p, j := planFor(t, f, nil), cutovertest.NewJournal()
			c.Create(b)
			r := runnerFor(t, f, j, cutovertest.PassGates(), nil) // which may evict nothing else
			wantHold(t, mustRun(t, r, p), cutover.HoldEviction, "a PodDisruptionBudget refuses the eviction of pod web-")
			if moved, old := podsByLabel(t, c); moved != 0 || old != 4 {
				t.Errorf("against the budget %d pods moved, and %d are left", moved, old)
			}
			wantStates(t, mustRollback(t, r, p), cutover.RolledBack)
			after := c.Dump()
			delete(after, "PodDisruptionBudget/shop/web")
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("before (-) and after the rollback (+):\n%s", diff)
			}
		})
	}
	bubble(t, "a rolling update is no eviction, and is not held by one", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Kind: "StatefulSet"})
		c.Create(budget(3))
		wantStates(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), nil), planFor(t, f, nil)), cutover.Done)
	})
}
