package cutover_test

import (
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// budget is a PodDisruptionBudget over the pods of web.
func budget(least int) map[string]any {
	return map[string]any{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": map[string]any{"name": "web", "namespace": "shop"},
		"spec": map[string]any{"minAvailable": int64(least), "selector": map[string]any{"matchLabels": map[string]any{"app": "web"}}}}
}

func TestAPodDisruptionBudgetIsObeyed(t *testing.T) {
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
	bubble(t, "a rolling update is no eviction, and is not held by one", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Kind: "StatefulSet"})
		c.Create(budget(3))
		wantStates(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), nil), planFor(t, f, nil)), cutover.Done)
	})
}
