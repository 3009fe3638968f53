package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestTheStrategyFlagsDeclareWhatTheyName(t *testing.T) {
	for name, tc := range map[string]struct {
		args   []string
		east   cutover.Strategy // of namespace shop in each cluster
		west   cutover.Strategy
		errors string
	}{
		"nothing":                   {nil, cutover.Strategy{}, cutover.Strategy{}, ""},
		"a namespace everywhere":    {[]string{"-single-rollout", "shop"}, cutover.Strategy{SingleRollout: true}, cutover.Strategy{SingleRollout: true}, ""},
		"a namespace of a cluster":  {[]string{"-sidecar", "aks-west/shop"}, cutover.Strategy{}, cutover.Strategy{Sidecar: true}, ""},
		"one by one, and in a list": {[]string{"-sidecar", "aks-west/shop, orders", "-single-rollout=aks-east/shop"}, cutover.Strategy{SingleRollout: true}, cutover.Strategy{Sidecar: true}, ""},
		"an owner's word":           {[]string{"-vouch", "aks-east/shop"}, cutover.Strategy{}, cutover.Strategy{}, ""},
		"a slip of the pen":         {[]string{"-sidecar", "shpo"}, cutover.Strategy{}, cutover.Strategy{}, "nothing is to be moved in shpo"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, err := parse(append([]string{"-fleet", "fleet.yaml"}, tc.args...))
				if err != nil {
					t.Fatal(err)
				}
				f := cutovertest.New(nil)
				for _, cluster := range []string{"aks-east", "aks-west"} {
					f.AddCluster(cluster, cluster+"us", 3).Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
				}
				f.Cluster("aks-west").Deploy(cutovertest.App{Namespace: "orders", Name: "queue"})
				time.Sleep(time.Minute)
				opts := &cutover.PlanOptions{}
				c.declare(opts)
				p, err := f.Plan(t.Context(), opts)
				if err != nil {
					t.Fatal(err)
				}
				if err := c.misnamed(p); (err == nil) != (tc.errors == "") || err != nil && !strings.Contains(err.Error(), tc.errors) {
					t.Errorf("error %v, want %q", err, tc.errors)
				}
				for id, want := range map[string]cutover.Strategy{"aks-east/shop/web": tc.east, "aks-west/shop/web": tc.west} {
					u := p.Unit(id)
					if u == nil || u.Strategy != want {
						t.Fatalf("%s: %+v, want strategy %q (blocked: %+v)", id, u, want, p.Blocked)
					}
					vouched := want.SingleRollout || len(c.vouch) > 0 && id == "aks-east/shop/web"
					if got := u.Workloads[0].Attested; (got == cutover.AttestDeclared) != vouched {
						t.Errorf("%s is attested as %q, and it was vouched for: %v", id, got, vouched)
					}
				}
			})
		})
	}
}

func TestTheStrategyFlagsAreAboutAFreshPlanOfAFleet(t *testing.T) {
	saved := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(saved, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-sidecar", "shop"}, {"-single-rollout", "shop"}, {"-fleet", "f.yaml", "-plan", saved, "-sidecar", "shop"},
		{"-vouch", "shop"}, {"-fleet", "f.yaml", "-sidecar", ""}, {"-fleet", "f.yaml", "-sidecar", "a/b/c"}, {"-fleet", "f.yaml", "-sidecar", "/shop"},
	} {
		if code, err := run(t.Context(), args, &bytes.Buffer{}); code != cutover.ExitError || err == nil {
			t.Errorf("%v: exit code %d, error %v", args, code, err)
		}
	}
}
