package cutover_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestDefaultGatesMoveUnitsOfSeveralWorkloadsAndNamespacesOfSeveralUnits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		other cutovertest.App
		units int
	}{
		{"a Deployment and a CronJob on one service account", cutovertest.App{Name: "report", Kind: "CronJob", ServiceAccount: "web", Identity: "shop-web"}, 1},
		{"two Deployments on one service account", cutovertest.App{Name: "api", ServiceAccount: "web", Identity: "shop-web"}, 1},
		{"two units in one namespace", cutovertest.App{Name: "api"}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := cutovertest.New(nil)
				c := f.AddCluster("aks-eastus-01", "eastus", 4)
				c.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
				tc.other.Namespace = "shop"
				c.Deploy(tc.other)
				breathe(c, "Deployment", "web", 3, 9)
				breathe(c, "Deployment", "api", 3, 9)
				settle(t)
				f.ResetTally()
				p := planFor(t, f, &cutover.PlanOptions{Soak: time.Hour})
				if len(p.Units) != tc.units {
					t.Fatalf("%d units", len(p.Units))
				}
				rep, err := runnerFor(t, f, cutovertest.NewJournal(), realGates(nil), &cutover.Options{Patience: 6 * time.Hour}).Run(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				wantStates(t, rep, cutover.Done)
				if tally := f.Tally(); tally.Failed != 0 || tally.Wrong != 0 {
					t.Errorf("tally %+v", tally)
				}
			})
		})
	}
}

func TestOneIdleWorkloadHoldsItsUnit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := cutovertest.New(nil)
		c := f.AddCluster("aks-eastus-01", "eastus", 4)
		c.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
		c.Deploy(cutovertest.App{Namespace: "shop", Name: "api", ServiceAccount: "web", Identity: "shop-web"})
		breathe(c, "Deployment", "web", 3, 9)
		settle(t)
		rep, err := runnerFor(t, f, cutovertest.NewJournal(), realGates(nil), nil).Run(t.Context(), planFor(t, f, nil))
		if err != nil {
			t.Fatal(err)
		}
		wantStates(t, rep, cutover.Held)
		if u := rep.Units[0]; u.Hold != cutover.HoldLoad {
			t.Errorf("%+v", u)
		}
	})
}
