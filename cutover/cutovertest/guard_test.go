package cutovertest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// guarded is one unit in a fleet with a guard.
func guarded(t *testing.T, a cutovertest.App) (*cutovertest.Fleet, *cutovertest.Cluster, *cutover.Plan, *cutovertest.Guard) {
	t.Helper()
	f := cutovertest.New(nil)
	c := f.AddCluster("aks-eastus-01", "eastus", 3)
	a.Namespace, a.Name = "shop", "web"
	c.Deploy(a)
	time.Sleep(5 * time.Minute)
	p, err := f.Plan(t.Context(), &cutover.PlanOptions{Soak: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return f, c, p, cutovertest.NewGuard(f, p)
}

// badly runs a plan with gates that pass whatever they see, but for one that awaits the webhook, and returns what the guard says.
func badly(t *testing.T, f *cutovertest.Fleet, p *cutover.Plan, g *cutovertest.Guard) []cutovertest.Breach {
	t.Helper()
	gates := cutovertest.PassGates()
	gates.Annotated = cutover.Eventually(cutover.InjectionProbe(0), time.Minute, time.Second)
	r, err := cutover.NewRunner(f.Clusters(), cutovertest.NewJournal(), g.Gates(gates), &cutover.Options{OnEvent: g.Event})
	if err != nil {
		t.Fatal(err)
	}
	rep, err := r.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return g.Finish(rep)
}

func TestAGuardNotesEveryBreach(t *testing.T) {
	write := func(t *testing.T, c *cutovertest.Cluster, path, value string) {
		t.Helper()
		body, err := json.Marshal([]map[string]any{{"op": "add", "path": path, "value": value}})
		if err != nil {
			t.Fatal(err)
		}
		ref := cutover.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}
		if _, err := c.Write(t.Context(), cutover.Write{Verb: cutover.Patch, Ref: ref, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	version := "/spec/template/metadata/labels/version"
	for _, tc := range []struct {
		name string
		app  cutovertest.App
		do   func(t *testing.T, c *cutovertest.Cluster, g *cutovertest.Guard)
		want cutovertest.Promise
	}{
		{name: "an application that knows IMDS alone loses its path", app: cutovertest.App{SDK: cutovertest.SDKOld}, want: cutovertest.KeepsPath},
		{name: "and the gates that let it pass were unsound", app: cutovertest.App{SDK: cutovertest.SDKOld}, want: cutovertest.JudgesSoundly},
		{name: "a credential that Entra does not trust is no path", app: cutovertest.App{Untrusted: true}, want: cutovertest.KeepsPath},
		{name: "a field that the plan does not list", do: func(t *testing.T, c *cutovertest.Cluster, _ *cutovertest.Guard) {
			write(t, c, "/spec/revisionHistoryLimit", "1")
		}, want: cutovertest.KeepsToPlan},
		{name: "and it is still there in the end", do: func(t *testing.T, c *cutovertest.Cluster, _ *cutovertest.Guard) {
			write(t, c, "/spec/revisionHistoryLimit", "1")
		}, want: cutovertest.Converges},
		{name: "the same template twice", do: func(t *testing.T, c *cutovertest.Cluster, _ *cutovertest.Guard) {
			for _, v := range []string{"1", "2", "1"} {
				write(t, c, version, v)
			}
		}, want: cutovertest.RollsOnce},
		{name: "a write to a frozen unit", do: func(t *testing.T, c *cutovertest.Cluster, g *cutovertest.Guard) {
			g.Event(cutover.Event{Type: cutover.EventFrozen, Unit: "aks-eastus-01/shop/web"})
			write(t, c, version, "1")
		}, want: cutovertest.StaysFrozen},
		{name: "a token in what was printed", do: func(_ *testing.T, _ *cutovertest.Cluster, g *cutovertest.Guard) {
			g.Secret("the log", "assertion=eyJhbGciOiJIUzI1NiJ9.e30.c2ln")
		}, want: cutovertest.KeepsSecrets},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, c, p, g := guarded(t, cutovertest.App{SDK: tc.app.SDK})
				if tc.app.Untrusted {
					f.Distrust(p.Units[0].Accounts[0].Identity.ClientID)
				}
				if tc.do != nil {
					tc.do(t, c, g)
				}
				for _, b := range badly(t, f, p, g) {
					if b.Promise == tc.want {
						return
					}
				}
				t.Errorf("not noted: %v", g.Breaches())
			})
		})
	}
}

func TestAGuardIsSilentAboutAnUndisturbedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, p, g := guarded(t, cutovertest.App{})
		c.After(time.Minute, func(s *cutovertest.Script) { // what others do is no breach
			s.Scale("Deployment", "shop", "web", 5)
			s.Edit("Deployment", "shop", "web", "ci", func(o map[string]any) { o["spec"].(map[string]any)["revisionHistoryLimit"] = int64(3) })
		})
		for _, b := range badly(t, f, p, g) {
			t.Error(b)
		}
	})
}

func TestFaultsFollowFromTheSeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := cutovertest.New(nil)
		f.AddCluster("aks-eastus-01", "eastus", 1)
		ask := func(seed uint64) string {
			faults := cutovertest.NewFaults(seed, &cutovertest.FaultOptions{Rate: 0.5})
			c := faults.Clusters(f.Clusters())["aks-eastus-01"]
			var out strings.Builder
			for range 40 {
				_, err := c.Get(t.Context(), cutover.Ref{APIVersion: "v1", Kind: "Namespace", Name: "kube-system"})
				fmt.Fprintln(&out, err)
			}
			return out.String()
		}
		one, again, other := ask(1), ask(1), ask(2)
		if one != again || one == other || !strings.Contains(one, "too many requests") {
			t.Errorf("seed 1:\n%s\nseed 1 again:\n%s\nseed 2:\n%s", one, again, other)
		}
	})
}

func ExampleNewGuard() {
	ctx := context.Background()
	fleet := cutovertest.New(&cutovertest.Options{Pace: 0.0001})
	fleet.AddCluster("aks-eastus-01", "eastus", 3).Deploy(cutovertest.App{Namespace: "shop", Name: "web", SDK: cutovertest.SDKOld})
	time.Sleep(100 * time.Millisecond)
	plan, err := fleet.Plan(ctx, &cutover.PlanOptions{Soak: -1})
	if err != nil {
		fmt.Println(err)
		return
	}
	guard := cutovertest.NewGuard(fleet, plan)
	runner, err := cutover.NewRunner(fleet.Clusters(), cutovertest.NewJournal(), guard.Gates(cutovertest.PassGates()), &cutover.Options{OnEvent: guard.Event})
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := runner.Run(ctx, plan)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, b := range guard.Finish(report) {
		if b.Promise == cutovertest.JudgesSoundly {
			fmt.Println("a gate passed pods that are on the old path")
			return
		}
	}
	// Output:
	// a gate passed pods that are on the old path
}

func ExampleNewFaults() {
	fleet := cutovertest.New(nil)
	fleet.AddCluster("aks-eastus-01", "eastus", 1)
	faults := cutovertest.NewFaults(7, &cutovertest.FaultOptions{Rate: 1, Only: []cutovertest.Fault{cutovertest.FaultBusy}})
	cluster := faults.Clusters(fleet.Clusters())["aks-eastus-01"]
	ref := cutover.Ref{APIVersion: "v1", Kind: "Namespace", Name: "kube-system"}
	for err := error(nil); err == nil; {
		_, err = cluster.Get(context.Background(), ref)
		if err != nil {
			fmt.Println(err)
		}
	}
	faults.Stop()
	_, err := cluster.Get(context.Background(), ref)
	fmt.Println(err)
	// Output:
	// too many requests
	// <nil>
}

func ExampleNewStall() {
	stall := cutovertest.NewStall(1, 20*time.Millisecond)
	journal := stall.Journal(cutovertest.NewJournal())
	begin := time.Now()
	record := &cutover.Record{Schema: cutover.Schema, Key: cutover.Key{Cluster: "c", Unit: "u"}}
	fmt.Println(journal.Save(context.Background(), record), time.Since(begin) >= 20*time.Millisecond)
	// Output:
	// <nil> true
}
