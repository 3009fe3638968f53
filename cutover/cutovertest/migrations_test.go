package cutovertest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// The same migrations run on real control planes in the end-to-end tests.
func TestMigrationsInTheSimulation(t *testing.T) {
	for _, m := range cutovertest.Migrations() {
		t.Run(m.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := cutovertest.New(nil)
				c := f.AddCluster("aks-eastus-01", "eastus", 3)
				m.App.Schedule = "" // where time is cheap, a CronJob runs by itself
				if m.App.Borrows != "" {
					c.Deploy(cutovertest.App{Namespace: m.App.Namespace, Name: m.App.Borrows, Replicas: -1})
					m.App.Untrusted = true // for the identity is the lender's
				}
				c.Deploy(m.App)
				time.Sleep(5 * time.Minute)
				opts := cutovertest.MigrationPlan()
				p, err := f.Plan(t.Context(), &opts)
				if err != nil || len(p.Units) != 1 {
					t.Fatalf("%+v: %v", p, err)
				}
				m.Run(t, cutovertest.World{
					Cluster: c, Plan: p,
					Edit: func(_ *testing.T, r cutover.Ref, fn func(map[string]any)) {
						c.Edit(r.Kind, r.Namespace, r.Name, "somebody", fn)
					},
					EditStatus: func(_ *testing.T, r cutover.Ref, fn func(map[string]any)) {
						c.Edit(r.Kind, r.Namespace, r.Name, "somebody", func(o map[string]any) { fn(o["status"].(map[string]any)) })
					},
					RunOnce: func(*testing.T, cutover.Ref) { time.Sleep(11 * time.Minute) },
				})
			})
		})
	}
}
