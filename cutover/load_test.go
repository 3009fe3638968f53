package cutover_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// loadCase is one load window on a simulated unit that has passed its first rollout.
type loadCase struct {
	name   string
	app    cutovertest.App
	opts   cutover.LoadOptions
	induce int
	// script runs when the window opens.
	script func(c *cutovertest.Cluster)
	change func(t *cutover.Target)
	want   cutover.Result
	hold   cutover.Hold
	says   []string // in the reason, or in the evidence
}

// runLoad moves a unit to its load step and lets the gate judge it.
func runLoad(t *testing.T, tc loadCase) cutover.Verdict {
	t.Helper()
	f := cutovertest.New(&cutovertest.Options{TokenEvery: 2 * time.Minute})
	c := f.AddCluster("aks-eastus-01", "eastus", 4)
	tc.app.Namespace, tc.app.Name = "shop", "web"
	c.Deploy(tc.app)
	settle(t)
	limits := cutover.Limits{InducePods: tc.induce}
	if tc.induce == 0 {
		limits.InducePods = -1
	}
	p := planFor(t, f, &cutover.PlanOptions{Limits: limits})
	gates := cutovertest.PassGates()
	if tc.opts.Deadline == 0 {
		tc.opts.Deadline = time.Hour
	}
	gates.Annotated = cutover.Eventually(cutover.InjectionProbe(0), time.Minute, time.Second)
	load := cutover.Load(&tc.opts)
	var got cutover.Verdict
	gates.Load = func(ctx context.Context, target cutover.Target) cutover.Verdict {
		if tc.script != nil {
			tc.script(c)
		}
		if tc.change != nil {
			tc.change(&target)
		}
		got = load(ctx, target)
		return cutover.Verdict{Result: cutover.Fail, Reason: "seen"} // stop here
	}
	r := runnerFor(t, f, cutovertest.NewJournal(), gates, &cutover.Options{Patience: time.Hour, OnFailure: cutover.Keep})
	if _, err := r.Run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return got
}

// check runs the case, in a bubble, and judges the verdict.
func (tc loadCase) check(t *testing.T) {
	v := runLoad(t, tc)
	if v.Result != tc.want || tc.hold != "" && v.Hold != tc.hold {
		t.Fatalf("%s (%s), want %s (%s)\n%s", v.Result, v.Hold, tc.want, tc.hold, said(v))
	}
	for _, s := range tc.says {
		if !strings.Contains(said(v), s) {
			t.Errorf("does not say %q:\n%s", s, said(v))
		}
	}
}

func said(v cutover.Verdict) string {
	var b strings.Builder
	b.WriteString(v.Reason)
	for _, e := range v.Evidence {
		b.WriteString("\n" + string(e.Result) + " " + e.String())
	}
	return b.String()
}

func scaleTo(n int) func(c *cutovertest.Cluster) {
	return func(c *cutovertest.Cluster) {
		c.After(2*time.Minute, func(s *cutovertest.Script) { s.Scale("Deployment", "shop", "web", n) })
	}
}

func restartNMI(c *cutovertest.Cluster) {
	scaleTo(9)(c)
	c.After(4*time.Minute, func(s *cutovertest.Script) { s.RestartNMI("node-001") })
}

func TestLoad(t *testing.T) {
	t.Parallel()
	for _, tc := range []loadCase{
		{name: "a natural scale-out passes", script: scaleTo(9), want: cutover.Pass, says: []string{"rung: natural scale-out, 6 pods", "no-new-node", "6 of 6 new pods hold", "no NMI served it anything"}},
		{name: "a scale-out onto a new node reaches the next rung", script: func(c *cutovertest.Cluster) {
			c.After(time.Minute, func(s *cutovertest.Script) { s.AddNode() })
			scaleTo(9)(c)
		}, want: cutover.Pass, says: []string{"natural scale-out + new node", "new pods on new nodes: node-004"}},
		{name: "an idle workload is held, never passed", want: cutover.Inconclusive, hold: cutover.HoldLoad, says: []string{"at idle nothing is proven", "rung: idle"}},
		{name: "a scale-out that is too small is held", script: scaleTo(5), want: cutover.Inconclusive, hold: cutover.HoldLoad, says: []string{"2 of 2 new pods hold", "want 5 new pods"}},
		{name: "scale-in is no load", script: scaleTo(1), want: cutover.Inconclusive, hold: cutover.HoldLoad, says: []string{"rung: idle"}},
		{name: "replacements are no load", script: func(c *cutovertest.Cluster) {
			c.After(time.Minute, func(s *cutovertest.Script) { s.DropNode() })
			c.After(3*time.Minute, func(s *cutovertest.Script) { s.DropNode() })
		}, want: cutover.Inconclusive, hold: cutover.HoldLoad, says: []string{"rung: idle"}},
		{name: "a workload at zero is held", app: cutovertest.App{Replicas: -1}, induce: 20, want: cutover.Inconclusive, hold: cutover.HoldLoad, says: []string{"it has no replicas; start it first"}},
		{name: "load is induced through the HPA where nothing scales by itself", app: cutovertest.App{HPA: true}, induce: 20, want: cutover.Pass, says: []string{"induced scale-out, 5 pods"}},
		{name: "or through spec.replicas where there is none", induce: 20, want: cutover.Pass, says: []string{"induced scale-out, 5 pods"}},
		{name: "never beyond the plan's cap", induce: 3, want: cutover.Inconclusive, hold: cutover.HoldLoad, says: []string{"5 more pods are needed, and the plan allows 3"}},
		{name: "a new node is demanded where asked for", opts: cutover.LoadOptions{NewNode: true}, script: scaleTo(9), want: cutover.Inconclusive, hold: cutover.HoldLoad, says: []string{"no-new-node"}},
		{name: "a DaemonSet is under load when a node joins", app: cutovertest.App{Kind: "DaemonSet"}, script: func(c *cutovertest.Cluster) {
			c.After(time.Minute, func(s *cutovertest.Script) { s.AddNode() })
		}, want: cutover.Pass, says: []string{"natural scale-out + new node, 1 pods"}},
		{name: "and idle while none does", app: cutovertest.App{Kind: "DaemonSet"}, induce: 20, want: cutover.Inconclusive, hold: cutover.HoldLoad, says: []string{"waits for a new node"}},
		{name: "a CronJob is under load when it runs", app: cutovertest.App{Kind: "CronJob"}, want: cutover.Pass, says: []string{"natural scale-out"}},
		{name: "a StatefulSet's new ordinals count", app: cutovertest.App{Kind: "StatefulSet"}, script: func(c *cutovertest.Cluster) {
			c.After(time.Minute, func(s *cutovertest.Script) { s.Scale("StatefulSet", "shop", "web", 8) })
		}, want: cutover.Pass, says: []string{"5 of 5 new pods hold"}},
		{name: "an Argo Rollout's scale-out counts", app: cutovertest.App{Kind: "Rollout"}, script: func(c *cutovertest.Cluster) {
			c.After(time.Minute, func(s *cutovertest.Script) { s.Scale("Rollout", "shop", "web", 9) })
		}, want: cutover.Pass, says: []string{"6 of 6 new pods hold"}},

		{name: "an application silently on IMDS is refused", app: cutovertest.App{SDK: cutovertest.SDKOld}, script: scaleTo(9), want: cutover.Fail, says: []string{"V4", "token operations for the namespace"}},
		{name: "a webhook that goes down fails", script: func(c *cutovertest.Cluster) {
			c.After(time.Minute, func(s *cutovertest.Script) { s.SetWebhook(cutovertest.WebhookDown) })
		}, want: cutover.Fail, says: []string{"failed calling webhook"}},
		{name: "a webhook that injects half fails", script: func(c *cutovertest.Cluster) {
			c.After(time.Minute, func(s *cutovertest.Script) { s.SetWebhook(cutovertest.WebhookHalf) })
			scaleTo(9)(c)
		}, want: cutover.Fail, says: []string{"V1"}},
		{name: "a webhook that knows another identity fails", script: func(c *cutovertest.Cluster) {
			c.After(time.Minute, func(s *cutovertest.Script) { s.SetWebhook(cutovertest.WebhookWrong) })
		}, want: cutover.Fail, says: []string{"AZURE_CLIENT_ID is 99999999"}},
		{name: "trust that is taken away fails", script: func(c *cutovertest.Cluster) {
			c.After(time.Minute, func(*cutovertest.Script) {})
			scaleTo(9)(c)
		}, change: func(t *cutover.Target) { t.Exchanger = refusing{} }, want: cutover.Fail, says: []string{"AADSTS700213"}},
		{name: "without an oracle nothing is known of the path", script: scaleTo(9), change: func(t *cutover.Target) { t.Oracle = nil }, want: cutover.Inconclusive, says: []string{"no PathOracle"}},
		{name: "an NMI that cannot be read leaves the word to telemetry", script: scaleTo(9), change: func(t *cutover.Target) { t.Oracle = unscraped{t.Oracle} }, want: cutover.Pass, says: []string{"6 of 6 new pods say", "telemetry decides"}},
		{name: "an NMI that cannot be read, of an application without telemetry, proves nothing", app: cutovertest.App{SDK: cutovertest.SDKOld}, script: scaleTo(9),
			change: func(t *cutover.Target) { t.Oracle = unscraped{t.Oracle} }, want: cutover.Inconclusive, says: []string{"cannot be read", "0 of 6 new pods say"}},
		{name: "after an NMI restart telemetry decides", script: restartNMI, want: cutover.Pass, says: []string{"telemetry decides"}},
		{name: "after an NMI restart, without telemetry, the window opens anew", script: restartNMI, change: func(t *cutover.Target) { t.Oracle = mute{t.Oracle} },
			want: cutover.Inconclusive, hold: cutover.HoldLoad, says: []string{"the window opened anew", "what it served last is unknown"}},
		{name: "after a gap in the watch the window opens anew", script: scaleTo(9), change: func(t *cutover.Target) { t.Cluster = &gappy{Reader: t.Cluster, at: time.Now().Add(5 * time.Minute)} },
			want: cutover.Inconclusive, hold: cutover.HoldLoad, says: []string{"the watch had a gap"}},
		{name: "and new load is judged in it", script: func(c *cutovertest.Cluster) {
			scaleTo(9)(c)
			c.After(8*time.Minute, func(s *cutovertest.Script) { s.Scale("Deployment", "shop", "web", 15) })
		}, change: func(t *cutover.Target) { t.Cluster = &gappy{Reader: t.Cluster, at: time.Now().Add(5 * time.Minute)} }, want: cutover.Pass, says: []string{"6 of 6 new pods hold"}},
		{name: "pods that are gone before they could be judged open the window anew, and those after them count", app: cutovertest.App{StartsLater: aMinute}, script: func(c *cutovertest.Cluster) {
			scaleTo(9)(c)
			c.After(2*time.Minute+5*time.Second, func(s *cutovertest.Script) { s.Scale("Deployment", "shop", "web", 3) })
			c.After(5*time.Minute, func(s *cutovertest.Script) { s.Scale("Deployment", "shop", "web", 9) })
		}, want: cutover.Pass, says: []string{"6 of 6 new pods hold"}},
		{name: "without new ones there was no load", app: cutovertest.App{StartsLater: aMinute}, script: func(c *cutovertest.Cluster) {
			scaleTo(9)(c)
			c.After(2*time.Minute+5*time.Second, func(s *cutovertest.Script) { s.Scale("Deployment", "shop", "web", 3) })
		}, want: cutover.Inconclusive, hold: cutover.HoldLoad, says: []string{"rung: idle", "was gone before it could be judged"}},
		{name: "a deploy within the window ends it", script: func(c *cutovertest.Cluster) {
			scaleTo(9)(c)
			c.After(3*time.Minute, func(s *cutovertest.Script) {
				s.Edit("Deployment", "shop", "web", "ci", func(o map[string]any) {
					o["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any)["version"] = "2"
				})
			})
		}, want: cutover.Inconclusive, says: []string{"pods of another template"}},
		{name: "without an exchanger no pod holds", script: scaleTo(9), change: func(t *cutover.Target) { t.Exchanger = nil }, want: cutover.Inconclusive, says: []string{"no Exchanger"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, tc.check)
		})
	}
}

// aMinute is how much longer than others the pods of an application take to be Ready.
func aMinute(bool, bool) time.Duration { return time.Minute }

// refusing is an Entra that trusts nobody.
type refusing struct{}

func (refusing) Exchange(context.Context, cutover.ExchangeRequest) (cutover.Claims, error) {
	return cutover.Claims{}, errors.New("AADSTS700213: no match")
}

// unscraped is an oracle with an NMI that cannot be read.
type unscraped struct{ cutover.PathOracle }

func (unscraped) OldPath(context.Context, string, string) ([]cutover.NMIReading, error) {
	return nil, errors.New("NMI on node-001 cannot be read")
}

// mute is an oracle to which no application speaks.
type mute struct{ cutover.PathOracle }

func (mute) Pods(context.Context, string, string, []string) ([]cutover.PodPath, error) {
	return nil, nil
}

// gappy is a cluster whose watch loses its connection once.
type gappy struct {
	cutover.Reader
	at time.Time
}

func (g *gappy) Watch(ctx context.Context, sels []cutover.Selection, fn func(cutover.WatchEvent) bool) error {
	cut, cancel := context.WithDeadline(ctx, g.at)
	defer cancel()
	if err := g.Reader.Watch(cut, sels, fn); ctx.Err() != nil || err == nil {
		return err
	}
	if !fn(cutover.WatchEvent{Type: cutover.Gap}) {
		return nil
	}
	return g.Reader.Watch(ctx, sels, fn)
}
