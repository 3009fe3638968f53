package cutover_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestTheRBACManifestAllowsAllThatARunAndItsRollbackDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := cutovertest.New(nil)
		c := f.AddCluster("aks-eastus-01", "eastus", 4)
		for ns, a := range map[string]cutovertest.App{
			"a": {}, "b": {Kind: "StatefulSet", OnDelete: true}, "c": {Kind: "DaemonSet"}, "d": {Kind: "CronJob"}, "e": {Kind: "Rollout"},
		} {
			a.Namespace, a.Name = ns, "web"
			c.Deploy(a)
		}
		settle(t)
		plan := planFor(t, f, nil)
		p := police(t, c, plan)
		clusters := map[string]cutover.Cluster{"aks-eastus-01": p}
		j, err := cutover.NewConfigMapJournal(clusters, "wimigrate")
		if err != nil {
			t.Fatal(err)
		}
		r, err := cutover.NewRunner(clusters, j, cutovertest.PassGates(), &cutover.Options{Patience: time.Hour, Evict: true})
		if err != nil {
			t.Fatal(err)
		}
		wantStates(t, mustRun(t, r, plan), cutover.Done)
		wantStates(t, mustRollback(t, r, plan), cutover.RolledBack)
		p.wantNothingDenied(t)
	})
}

func TestTheRBACManifestAllowsWhatTheStrategiesDo(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]*cutover.PlanOptions{
		"single rollout": once(cutover.PlanOptions{Soak: time.Hour}), "sidecar": behindProxy(cutover.PlanOptions{Soak: time.Hour}),
	} {
		bubble(t, name, func(t *testing.T) {
			f := cutovertest.New(nil)
			c := f.AddCluster("aks-eastus-01", "eastus", 4)
			c.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
			breathe(c, "Deployment", "web", 3, 9)
			settle(t)
			plan := planFor(t, f, opts)
			p := police(t, c, plan)
			r := p.runner(t, f, nil)
			wantStates(t, mustRun(t, r, plan), cutover.Done)
			wantStates(t, mustRollback(t, r, plan), cutover.RolledBack)
			p.wantNothingDenied(t)
			p.wantTheSameReviewed(t)
		})
	}
}

func TestTheRBACManifestAllowsAllThatTheProvidedGatesDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := cutovertest.New(nil)
		c := f.AddCluster("aks-eastus-01", "eastus", 4)
		for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet", "CronJob", "Rollout"} {
			c.Deploy(cutovertest.App{Namespace: "shop", Name: "web-" + strings.ToLower(kind), Kind: kind, HPA: kind == "Deployment"})
		}
		breathe(c, "none", "none", 1, 1) // nodes come
		settle(t)
		plan := planFor(t, f, &cutover.PlanOptions{Soak: time.Hour, Limits: cutover.Limits{InducePods: 20}})
		p := police(t, c, plan)
		r := p.runner(t, f, nil)
		wantStates(t, mustRun(t, r, plan), cutover.Done)
		p.wantNothingDenied(t)
		p.wantTheSameReviewed(t)
	})
}

// byMode plans every unit in a mode.
func byMode(m cutover.Mode) func(cutover.Unit) cutover.Mode {
	return func(cutover.Unit) cutover.Mode { return m }
}

func TestTheRBACManifestAllowsWhatOneUnitIsPlannedFor(t *testing.T) {
	t.Parallel()
	flux := map[string]string{"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
	for _, tc := range []struct {
		name   string
		app    cutovertest.App
		idle   bool // nothing scales it
		deploy func(c *cutovertest.Cluster)
		opts   cutover.PlanOptions
		commit bool // what is published arrives
	}{
		{name: "the bindings are kept", opts: cutover.PlanOptions{KeepBindings: true}},
		{name: "a Job is left on the old path", deploy: func(c *cutovertest.Cluster) {
			c.Deploy(cutovertest.App{Namespace: "shop", Name: "report", Kind: "Job", Runs: 5 * time.Hour, ServiceAccount: "web", Identity: "shop-web", Untrusted: true})
		}},
		{name: "load is induced on a Rollout that borrows its template", idle: true, app: cutovertest.App{Replicas: -1}, deploy: func(c *cutovertest.Cluster) {
			c.Deploy(cutovertest.App{Namespace: "shop", Name: "front", Kind: "Rollout", Borrows: "web", ServiceAccount: "web", Identity: "shop-web", Untrusted: true})
			breathe(c, "none", "none", 1, 1) // nodes come
		}, opts: cutover.PlanOptions{Limits: cutover.Limits{InducePods: 20}}},
		{name: "a Deployment at zero is probed", idle: true, app: cutovertest.App{Replicas: -1}, opts: cutover.PlanOptions{ProbeIdle: approve}},
		{name: "an autoscaled StatefulSet at zero is probed by a Job", idle: true, app: cutovertest.App{Kind: "StatefulSet", Replicas: -1, HPA: true},
			opts: cutover.PlanOptions{ProbeIdle: approve}},
		{name: "a CronJob is run once more", idle: true, app: cutovertest.App{Kind: "CronJob", Schedule: "0 3 * * *"}, opts: cutover.PlanOptions{ProbeIdle: approve}},
		{name: "the tool is suspended", app: cutovertest.App{Labels: flux}, opts: cutover.PlanOptions{Mode: byMode(cutover.Suspend)}, deploy: kustomization},
		{name: "the removal comes by a commit", app: cutovertest.App{Labels: flux}, commit: true},
		{name: "everything comes by commits", app: cutovertest.App{Labels: flux}, opts: cutover.PlanOptions{Mode: byMode(cutover.GitOnly)}, commit: true},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, c := oneApp(t, tc.app)
			if tc.deploy != nil {
				tc.deploy(c)
				settle(t)
			}
			if !tc.idle {
				breathe(c, "Deployment", "web", 3, 9)
			}
			tc.opts.Soak = time.Hour
			plan := planFor(t, f, &tc.opts)
			p := police(t, c, plan)
			o := cutover.Options{Patience: 12 * time.Hour}
			if tc.commit {
				o.Publish = committing(c)
			}
			r := p.runner(t, f, &o)
			wantStates(t, mustRun(t, r, plan), cutover.Done)
			wantStates(t, mustRollback(t, r, plan), cutover.RolledBack)
			p.wantNothingDenied(t)
			p.wantTheSameReviewed(t)
		})
	}
}
