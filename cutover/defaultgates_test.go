package cutover_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/federation"
)

// realGates are the provided gates, with what the simulated fleet cannot tell by itself.
func realGates(change func(*cutover.GateOptions)) cutover.Gates {
	o := &cutover.GateOptions{
		Preflight: &cutover.PreflightOptions{
			EntraClock: func(context.Context) (time.Time, error) { return time.Now(), nil },
			Attest:     func(cutover.Workload) cutover.Attestation { return cutover.AttestDeclared },
		},
		Prove: &federation.ProveOptions{},
		Load:  &cutover.LoadOptions{Deadline: time.Hour},
	}
	if change != nil {
		change(o)
	}
	return cutover.DefaultGates(o)
}

// breathe lets a workload scale out and in again, for ever, as it does under a daily load; and nodes come.
func breathe(c *cutovertest.Cluster, kind, name string, low, high int) {
	var out func(s *cutovertest.Script)
	out = func(s *cutovertest.Script) {
		s.AddNode()
		s.Scale(kind, "shop", name, high)
		s.Again(7*time.Minute, func(s *cutovertest.Script) {
			s.Scale(kind, "shop", name, low)
			s.Again(4*time.Minute, out)
		})
	}
	c.After(time.Minute, out)
}

func TestDefaultGatesMoveAFleetUnderLoadWithoutOneFailedToken(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet", "CronJob", "Rollout"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := cutovertest.New(nil)
				for region := range 2 {
					c := f.AddCluster([]string{"aks-eastus-01", "aks-westeurope-01"}[region], []string{"eastus", "westeurope"}[region], 4)
					c.Deploy(cutovertest.App{Namespace: "shop", Name: "web", Kind: kind})
					breathe(c, kind, "web", 3, 9)
				}
				settle(t)
				f.ResetTally()
				p := planFor(t, f, &cutover.PlanOptions{Soak: 2 * time.Hour})
				rep, err := runnerFor(t, f, cutovertest.NewJournal(), realGates(nil), &cutover.Options{Patience: 6 * time.Hour}).Run(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				wantStates(t, rep, cutover.Done)
				if tally := f.Tally(); tally.Failed != 0 || tally.Wrong != 0 || tally.NewPath == 0 {
					t.Errorf("tally %+v", tally)
				}
			})
		})
	}
}

func TestDefaultGatesCatchTheTraps(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		app    cutovertest.App
		idle   bool
		script func(f *cutovertest.Fleet, c *cutovertest.Cluster, p *cutover.Plan)
		gates  func(*cutover.GateOptions)
		oracle func(*cutovertest.Fleet) cutover.PathOracle
		state  cutover.State
		step   string
		says   string
	}{
		{name: "an application silently on IMDS never loses its old path", app: cutovertest.App{SDK: cutovertest.SDKOld}, state: cutover.RolledBack, step: "load", says: "token operations"},
		{name: "nor does one whose SDK ignores the federation environment, where NMI cannot be read", app: cutovertest.App{SDK: cutovertest.SDKOld},
			oracle: func(f *cutovertest.Fleet) cutover.PathOracle { return unscraped{telling{f}} }, state: cutover.RolledBack, step: "load", says: "old path"},
		{name: "an NMI that cannot be read, and no telemetry, holds", app: cutovertest.App{SDK: cutovertest.SDKOld},
			oracle: func(f *cutovertest.Fleet) cutover.PathOracle { return unscraped{f} }, state: cutover.Held, step: "load", says: "cannot be read"},
		{name: "an idle workload is held", idle: true, state: cutover.Held, step: "load", says: "at idle nothing is proven"},
		{name: "a webhook that is down stops a unit before it starts", script: func(_ *cutovertest.Fleet, c *cutovertest.Cluster, _ *cutover.Plan) {
			c.SetWebhook(cutovertest.WebhookDown)
		},
			state: cutover.Frozen, step: "preflight", says: "failed calling webhook"},
		{name: "so does one that injects half", script: func(_ *cutovertest.Fleet, c *cutovertest.Cluster, _ *cutover.Plan) {
			c.SetWebhook(cutovertest.WebhookHalf)
		},
			state: cutover.Frozen, step: "preflight", says: "dry-run pods were injected"},
		{name: "a webhook that goes down later is caught under load", script: func(_ *cutovertest.Fleet, c *cutovertest.Cluster, _ *cutover.Plan) {
			c.After(9*time.Minute, func(s *cutovertest.Script) { s.SetWebhook(cutovertest.WebhookDown) })
		}, state: cutover.RolledBack, step: "load", says: "failed calling webhook"},
		{name: "a webhook that goes down during the soak is caught there", script: func(_ *cutovertest.Fleet, c *cutovertest.Cluster, _ *cutover.Plan) {
			c.After(80*time.Minute, func(s *cutovertest.Script) {
				s.SetWebhook(cutovertest.WebhookDown)
				s.Again(6*time.Minute, func(s *cutovertest.Script) { s.SetWebhook(cutovertest.WebhookUp) })
			})
		}, state: cutover.RolledBack, step: "soak", says: "failed calling webhook"},
		{name: "so is one that lets pods be born without injection", script: func(_ *cutovertest.Fleet, c *cutovertest.Cluster, _ *cutover.Plan) {
			c.After(80*time.Minute, func(s *cutovertest.Script) { s.SetWebhook(cutovertest.WebhookIgnored) })
		}, state: cutover.RolledBack, step: "soak", says: "is missing"},
		{name: "a credential whose issuer lacks the slash stops a unit before it starts",
			script: trustWithoutSlash, state: cutover.Frozen, step: "preflight", says: "a trailing slash differs"},
		{name: "and by exchange, where nobody can read the credentials", script: trustWithoutSlash,
			gates: func(o *cutover.GateOptions) { o.Preflight.Skip = []string{"PF03"} }, state: cutover.Frozen, step: "trust", says: "AADSTS"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				runTrap(t, tc.app, tc.idle, tc.script, tc.gates, tc.oracle, tc.state, tc.step, tc.says)
			})
		})
	}
}

// runTrap moves one unit towards a trap and wants it caught, at a step and for a reason, without one failed token.
func runTrap(t *testing.T, app cutovertest.App, idle bool, script func(*cutovertest.Fleet, *cutovertest.Cluster, *cutover.Plan), gates func(*cutover.GateOptions),
	oracle func(*cutovertest.Fleet) cutover.PathOracle, state cutover.State, step, says string,
) {
	t.Helper()
	f := cutovertest.New(&cutovertest.Options{TokenEvery: 2 * time.Minute})
	c := f.AddCluster("aks-eastus-01", "eastus", 4)
	app.Namespace, app.Name = "shop", "web"
	c.Deploy(app)
	settle(t)
	f.ResetTally()
	p := planFor(t, f, &cutover.PlanOptions{Soak: 2 * time.Hour})
	if !idle {
		breathe(c, "Deployment", "web", 3, 9)
	}
	if script != nil {
		script(f, c, p)
	}
	opts := cutover.Options{Trust: f, Exchanger: f, Oracle: f}
	if oracle != nil {
		opts.Oracle = oracle(f)
	}
	r, err := cutover.NewRunner(f.Clusters(), cutovertest.NewJournal(), realGates(gates), &opts)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := r.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	wantStates(t, rep, state)
	all := rep.Units[0].Reason
	last := rep.Units[0].Verdicts[len(rep.Units[0].Verdicts)-1]
	all += said(last.Verdict)
	if last.Step != step || !strings.Contains(all, says) || last.Result == cutover.Pass {
		t.Errorf("stopped at %s: %s; want %s: %s", last.Step, all, step, says)
	}
	if tally := f.Tally(); tally.Failed != 0 {
		t.Errorf("tally %+v", tally)
	}
}

// trustWithoutSlash makes the identities trust an issuer that lacks its last slash, as when somebody pasted it.
func trustWithoutSlash(f *cutovertest.Fleet, c *cutovertest.Cluster, p *cutover.Plan) {
	client := p.Units[0].Accounts[0].Identity.ClientID
	f.Distrust(client)
	f.Trust(client, federation.Credential{Name: "pasted", Issuer: strings.TrimSuffix(c.Issuer(), "/"), Subject: "system:serviceaccount:shop:web", Audience: "api://AzureADTokenExchange"})
}

// telling is an oracle to which applications speak that know IMDS alone: a credential package that could not see the federation environment.
type telling struct{ *cutovertest.Fleet }

func (o telling) Pods(ctx context.Context, cluster, namespace string, pods []string) ([]cutover.PodPath, error) {
	said, err := o.Fleet.Pods(ctx, cluster, namespace, pods)
	for i := range said {
		said[i].Path, said[i].Taken = cutover.PathPodIdentity, 1
	}
	return said, err
}
