package cutover_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// behindProxy are plan options that give every unit the migration sidecar.
func behindProxy(opts cutover.PlanOptions) *cutover.PlanOptions {
	opts.Strategy = func(cutover.Unit) cutover.Strategy { return cutover.Strategy{Sidecar: true} }
	return &opts
}

func TestAnApplicationThatKnowsOnlyIMDSMovesBehindTheSidecarWithoutOneFailedToken(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		kind   string
		oracle func(*cutovertest.Fleet) cutover.PathOracle
	}{
		{"Deployment", func(f *cutovertest.Fleet) cutover.PathOracle { return f }},
		{"Deployment", func(f *cutovertest.Fleet) cutover.PathOracle { return telling{f} }}, // it says IMDS, truly, and is not failed for it
		{"StatefulSet", func(f *cutovertest.Fleet) cutover.PathOracle { return telling{f} }},
		{"DaemonSet", func(f *cutovertest.Fleet) cutover.PathOracle { return f }},
		{"CronJob", func(f *cutovertest.Fleet) cutover.PathOracle { return f }},
	} {
		bubble(t, tc.kind, func(t *testing.T) {
			f := cutovertest.New(&cutovertest.Options{TokenEvery: 2 * time.Minute})
			c := f.AddCluster("aks-eastus-01", "eastus", 4)
			c.Deploy(cutovertest.App{Namespace: "shop", Name: "web", Kind: tc.kind, SDK: cutovertest.SDKOld, Replicas: 4})
			breathe(c, tc.kind, "web", 4, 9)
			settle(t)
			f.ResetTally()
			p := planFor(t, f, behindProxy(cutover.PlanOptions{Soak: 2 * time.Hour}))
			r, err := cutover.NewRunner(f.Clusters(), cutovertest.NewJournal(), realGates(nil),
				&cutover.Options{Trust: f, Exchanger: f, Oracle: tc.oracle(f), Patience: 6 * time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			wantStates(t, mustRun(t, r, p), cutover.Done)
			if tally := f.Tally(); tally.Failed != 0 || tally.Wrong > 0 || tally.NewPath == 0 {
				t.Errorf("tally %+v", tally)
			}
			left, err := cutover.FindLeftovers(t.Context(), c, "aks-eastus-01", nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(left.Sidecars) == 0 || left.Sidecars[0].String() != tc.kind+"/web" {
				t.Errorf("leftovers list the sidecars %v", left.Sidecars)
			}
			removal, err := left.Removal()
			if err != nil || !strings.Contains(strings.Join(removal.Manual, "\n"), tc.kind+"/web in namespace shop carries the migration proxy sidecar, which is temporary") {
				t.Errorf("%v %+v", err, removal)
			}
		})
	}
}

func TestASidecarIsTakenOutAgainByARollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{SDK: cutovertest.SDKOld})
		before := c.Dump()
		p := planFor(t, f, behindProxy(cutover.PlanOptions{Soak: 10 * time.Minute}))
		g := onceGates()
		r := runnerFor(t, f, cutovertest.NewJournal(), g, nil)
		wantStates(t, mustRun(t, r, p), cutover.Done)
		wantStates(t, mustRollback(t, r, p), cutover.RolledBack)
		wantDump(t, c, before)
		if n := f.Tally().ReplicaSets; n != 2 {
			t.Errorf("%d new templates, want 2", n)
		}
		wantNoHarm(t, f)
	})
}

func TestWhatASidecarIsRefusedForBeforeAnythingChanges(t *testing.T) {
	enforce := func(level string) func(*cutovertest.Cluster) {
		return func(c *cutovertest.Cluster) {
			c.Edit("Namespace", "", "shop", "kubectl", func(o map[string]any) {
				o["metadata"].(map[string]any)["labels"] = map[string]any{"pod-security.kubernetes.io/enforce": level}
			})
		}
	}
	spec := func(key string, value any) func(*cutovertest.Cluster) {
		return func(c *cutovertest.Cluster) {
			c.Edit("Deployment", "shop", "web", "kubectl", func(o map[string]any) {
				o["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)[key] = value
			})
			time.Sleep(5 * time.Minute)
		}
	}
	hook := func(m cutovertest.WebhookMode) func(*cutovertest.Cluster) {
		return func(c *cutovertest.Cluster) { c.SetWebhook(m) }
	}
	for _, tc := range []struct {
		name string
		kind string
		make func(c *cutovertest.Cluster) // after the plan was made
		says string
	}{
		{"the host's network", "", spec("hostNetwork", true), "on the host's network, which the webhook refuses"},
		{"Windows nodes", "", spec("nodeSelector", map[string]any{"kubernetes.io/os": "windows"}), "on Windows, where there is none"},
		{"Windows pods", "", spec("os", map[string]any{"name": "windows"}), "on Windows, where there is none"},
		{"pod security baseline", "", enforce("baseline"), "enforces pod security baseline"},
		{"pod security restricted", "", enforce("restricted"), "enforces pod security restricted"},
		{"a CronJob whose Jobs would not finish", "CronJob", func(c *cutovertest.Cluster) { c.SetNativeSidecars(false) }, "its Jobs would not finish"},
		{"a webhook that knows no proxy", "", hook(cutovertest.WebhookNoProxy), "there is no azwi-proxy"},
		{"a webhook that leads nobody to the proxy", "", hook(cutovertest.WebhookNoRedirect), "nothing leads to the proxy"},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{Kind: tc.kind, SDK: cutovertest.SDKOld})
			p := planFor(t, f, behindProxy(cutover.PlanOptions{}))
			tc.make(c)
			f.ResetTally()
			rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), realGates(nil), nil), p)
			var seen strings.Builder
			for _, v := range rep.Units[0].Verdicts {
				for _, e := range v.Evidence {
					if e.Result == cutover.Fail {
						seen.WriteString(e.String() + "\n")
					}
				}
			}
			if rep.Units[0].State != cutover.Frozen || !strings.Contains(seen.String(), tc.says) {
				t.Errorf("%s, and preflight says:\n%s%s", rep.Units[0].State, seen.String(), rep.Units[0].Reason)
			}
			if n := f.Tally().ReplicaSets; n != 0 && tc.kind == "" {
				t.Errorf("%d new templates", n)
			}
		})
	}
}

func TestASidecarsTrapsAreCaught(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		script func(c *cutovertest.Cluster)
		oracle func(f *cutovertest.Fleet, client string) cutover.PathOracle
		state  cutover.State
		step   string
		says   string
	}{
		{name: "where NMI cannot be read, the application's word is no proof, whatever it says", oracle: func(f *cutovertest.Fleet, _ string) cutover.PathOracle { return unscraped{telling{f}} },
			state: cutover.Held, step: "load", says: "cannot be read"},
		{name: "not even that it takes its tokens at Entra", oracle: func(f *cutovertest.Fleet, client string) cutover.PathOracle { return unscraped{boasting{f, client}} },
			state: cutover.Held, step: "load", says: "cannot be read"},
		{name: "a webhook that stops to inject the proxy is caught under load", script: func(c *cutovertest.Cluster) {
			c.After(9*time.Minute, func(s *cutovertest.Script) { s.SetWebhook(cutovertest.WebhookNoProxy) })
		}, state: cutover.RolledBack, step: "load", says: "there is no azwi-proxy"},
		{name: "one that injects it without what leads to it, during the soak", script: func(c *cutovertest.Cluster) {
			c.After(80*time.Minute, func(s *cutovertest.Script) { s.SetWebhook(cutovertest.WebhookNoRedirect) })
		}, state: cutover.RolledBack, step: "soak", says: "nothing leads to the proxy"},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{SDK: cutovertest.SDKOld, TokenEvery: 2 * time.Minute})
			p := planFor(t, f, behindProxy(cutover.PlanOptions{Soak: 2 * time.Hour}))
			breathe(c, "Deployment", "web", 3, 9)
			if tc.script != nil {
				tc.script(c)
			}
			opts := cutover.Options{Trust: f, Exchanger: f, Oracle: f}
			if tc.oracle != nil {
				opts.Oracle = tc.oracle(f, p.Units[0].Accounts[0].Identity.ClientID)
			}
			r, err := cutover.NewRunner(f.Clusters(), cutovertest.NewJournal(), realGates(nil), &opts)
			if err != nil {
				t.Fatal(err)
			}
			rep := mustRun(t, r, p)
			wantStates(t, rep, tc.state)
			last := rep.Units[0].Verdicts[len(rep.Units[0].Verdicts)-1]
			if last.Step != tc.step || last.Result == cutover.Pass || !strings.Contains(rep.Units[0].Reason+said(last.Verdict), tc.says) {
				t.Errorf("stopped at %s: %s%s; want %s: %s", last.Step, rep.Units[0].Reason, said(last.Verdict), tc.step, tc.says)
			}
			if tally := f.Tally(); tally.Failed != 0 {
				t.Errorf("tally %+v", tally)
			}
		})
	}
}

// boasting is an oracle to which every application says that Entra answers it.
type boasting struct {
	*cutovertest.Fleet
	client string
}

func (o boasting) Pods(ctx context.Context, cluster, namespace string, pods []string) ([]cutover.PodPath, error) {
	said, err := o.Fleet.Pods(ctx, cluster, namespace, pods)
	for i := range said {
		said[i].Path, said[i].Taken, said[i].ClientID = cutover.PathWorkloadIdentity, 1, o.client
	}
	return said, err
}

func TestNewPathBehindASidecarRestsOnNMI(t *testing.T) {
	gate := func(check string, result cutover.Result) cutover.Gate {
		return func(context.Context, cutover.Target) cutover.Verdict {
			return cutover.Judge("witness", cutover.Evidence{Check: check, Got: "seen", Result: result})
		}
	}
	for _, tc := range []struct {
		name     string
		sidecar  bool
		v4, v5   cutover.Result
		want     cutover.Result
		onlyTold bool
	}{
		{"NMI's silence passes, though the application says IMDS", true, cutover.Pass, cutover.Inconclusive, cutover.Pass, false},
		{"what the application says does not", true, cutover.Inconclusive, cutover.Pass, cutover.Inconclusive, false},
		{"nor where nobody asked NMI", true, "", cutover.Pass, cutover.Inconclusive, true},
		{"an application that gets no tokens fails, however silent NMI is", true, cutover.Pass, cutover.Fail, cutover.Fail, false},
		{"without a sidecar the application's word is enough", false, cutover.Inconclusive, cutover.Pass, cutover.Pass, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			target := cutover.Target{Unit: &cutover.Unit{Strategy: cutover.Strategy{Sidecar: tc.sidecar}}}
			witnesses := []cutover.Gate{gate("V4", tc.v4), gate("V5", tc.v5)}
			if tc.onlyTold {
				witnesses = witnesses[1:]
			}
			if v := cutover.NewPath(witnesses...)(t.Context(), target); v.Result != tc.want || v.Result != cutover.Pass && v.Reason == "" {
				t.Errorf("%s (%s), want %s", v.Result, v.Reason, tc.want)
			}
		})
	}
}
