package cutover_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

var (
	singly  = cutover.Strategy{SingleRollout: true}
	proxied = cutover.Strategy{Sidecar: true}
)

func TestWhatAStrategyIsRefusedFor(t *testing.T) {
	for _, tc := range []struct {
		name     string
		strategy cutover.Strategy
		kind     string
		finding  catalog.Code // about the workload, of severity warning: no blocker by itself
		workload func(*catalog.Workload)
		opts     func(*cutover.PlanOptions)
		want     catalog.Code // empty: it may move
		says     string
	}{
		{name: "a Deployment whose owner vouches for it moves in a single rollout", strategy: singly},
		{name: "so does a StatefulSet", strategy: singly, kind: "StatefulSet"},
		{name: "two rollouts are refused for none of this", finding: catalog.HardCodedEnvironment, opts: func(o *cutover.PlanOptions) { o.Attest, o.Limits.CanaryPods = nil, -1 }},
		{name: "a DaemonSet is not held where nodes join", strategy: singly, kind: "DaemonSet", want: cutover.SingleRolloutRefused, says: "nodes that join"},
		{name: "a CronJob cannot be held", strategy: singly, kind: "CronJob", want: cutover.SingleRolloutRefused, says: "kind that cannot be held"},
		{name: "an unknown kind cannot be held", strategy: singly, kind: "Widget", want: cutover.SingleRolloutRefused, says: "kind that cannot be held"},
		{name: "a StatefulSet of one pod would move as a whole", strategy: singly, kind: "StatefulSet",
			workload: func(w *catalog.Workload) { w.Replicas = new(int32(1)) }, want: cutover.SingleRolloutRefused, says: "would be all of it"},
		{name: "a Deployment of one pod gets its canary beside it", strategy: singly, workload: func(w *catalog.Workload) { w.Replicas = new(int32(1)) }},
		{name: "a workload at zero has no canary", strategy: singly, workload: func(w *catalog.Workload) { w.Replicas = new(int32(0)) },
			want: cutover.SingleRolloutRefused, says: "no pod that could be a canary"},
		{name: "no canary pods, no single rollout", strategy: singly, opts: func(o *cutover.PlanOptions) { o.Limits.CanaryPods = -1 },
			want: cutover.SingleRolloutRefused, says: "no canary pods"},
		{name: "in mode gitops the two halves arrive apart", strategy: singly, opts: inMode(cutover.GitOps), want: cutover.SingleRolloutRefused, says: "plan the unit in mode suspend"},
		{name: "a commit by itself is not held", strategy: singly, opts: inMode(cutover.GitOnly), want: cutover.SingleRolloutRefused, says: "mode suspend"},
		{name: "in mode suspend one commit carries all of it", strategy: singly, opts: inMode(cutover.Suspend)},
		{name: "an application that nobody vouches for needs both paths at once", strategy: singly, opts: func(o *cutover.PlanOptions) { o.Attest = nil },
			want: cutover.AttestationUnknown, says: "nobody vouches"},
		{name: "a finding against the owner's word counts for more", strategy: singly, finding: catalog.HardCodedEnvironment,
			want: catalog.HardCodedEnvironment, says: "no single rollout: what the catalog found"},
		{name: "unless it was accepted", strategy: singly, finding: catalog.HardCodedEnvironment,
			opts: func(o *cutover.PlanOptions) { o.Accept = []catalog.Code{catalog.HardCodedEnvironment} }},
		{name: "a sidecar is what a hard-coded metadata endpoint asks for", strategy: proxied, finding: catalog.HardCodedEnvironment},
		{name: "a CronJob may carry a sidecar, and preflight looks whether it would end", strategy: proxied, kind: "CronJob"},
		{name: "the webhook refuses a sidecar on the host's network", strategy: proxied, finding: catalog.HostNetwork, want: cutover.SidecarRefused, says: "host's network"},
		{name: "as a template says too", strategy: proxied, workload: func(w *catalog.Workload) { w.Template.HostNetwork = true }, want: cutover.SidecarRefused, says: "host's network"},
		{name: "there is no sidecar for Windows", strategy: proxied, finding: catalog.Windows, want: cutover.SidecarRefused, says: "Windows"},
		{name: "as a template says here too", strategy: proxied, workload: func(w *catalog.Workload) { w.Template.Windows = true }, want: cutover.SidecarRefused, says: "Windows"},
		{name: "a port that is none", strategy: cutover.Strategy{Sidecar: true, SidecarPort: 99999}, want: cutover.SidecarRefused, says: "99999 is no port"},
		{name: "a port other than the one in the template", strategy: cutover.Strategy{Sidecar: true, SidecarPort: 8080},
			workload: func(w *catalog.Workload) {
				w.Template.Annotations = map[string]string{"azure.workload.identity/proxy-sidecar-port": "8000"}
			}, want: cutover.SidecarRefused, says: "port 8000 already, and not 8080"},
		{name: "a port without a sidecar", strategy: cutover.Strategy{SidecarPort: 8080}, want: cutover.StrategyConflict, says: "no sidecar"},
		{name: "both strategies at once", strategy: cutover.Strategy{SingleRollout: true, Sidecar: true}, want: cutover.StrategyConflict, says: "declare one of them"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			kind := tc.kind
			if kind == "" {
				kind = "Deployment"
			}
			cat, fed, snapshot := strategyFleet(t, kind, tc.finding, tc.workload)
			o := &cutover.PlanOptions{
				Snapshots: []*catalog.Snapshot{snapshot},
				Strategy:  func(cutover.Unit) cutover.Strategy { return tc.strategy },
				Attest:    func(cutover.Unit, cutover.Workload) cutover.Attestation { return cutover.AttestDeclared },
			}
			if tc.opts != nil {
				tc.opts(o)
			}
			p, err := cutover.NewPlan(cat, fed, o)
			if err != nil {
				t.Fatal(err)
			}
			if tc.want == "" {
				if len(p.Blocked) > 0 {
					t.Errorf("blocked: %+v", p.Blocked)
				}
				return
			}
			if len(p.Units) > 0 || len(p.Blocked) != 1 {
				t.Fatalf("%d units, blocked %+v", len(p.Units), p.Blocked)
			}
			if !slices.ContainsFunc(p.Blocked[0].Reasons, func(r cutover.Reason) bool {
				return r.Code == tc.want && strings.Contains(r.Message+"; "+r.Remedy, tc.says) && r.Remedy != ""
			}) {
				t.Errorf("blocked for %+v, want %s: %s", p.Blocked[0].Reasons, tc.want, tc.says)
			}
		})
	}
}

func inMode(m cutover.Mode) func(*cutover.PlanOptions) {
	return func(o *cutover.PlanOptions) { o.Mode = func(cutover.Unit) cutover.Mode { return m } }
}

// strategyFleet is a catalog of one workload of a kind that may move, with a finding about it; and the snapshot it could be of.
func strategyFleet(t *testing.T, kind string, finding catalog.Code, change func(*catalog.Workload)) (*catalog.Catalog, *federation.Plan, *catalog.Snapshot) {
	t.Helper()
	cat, fed := shop()
	cat.Needs = cat.Needs[:1]
	cat.Needs[0].Workloads[0].Kind = kind
	cat.Findings = nil
	if finding != "" {
		cat.Findings = append(cat.Findings, catalog.Finding{Code: finding, Severity: catalog.Warning, Cluster: "aks-eastus-01", Namespace: "payments",
			Object: kind + "/api", Message: "what the catalog found", Remedy: "what helps"})
	}
	w := catalog.Workload{Meta: catalog.Meta{APIVersion: "apps/v1", Kind: kind, Namespace: "payments", Name: "api"}, Replicas: new(int32(5))}
	w.Template.Labels = map[string]string{"aadpodidbinding": "api"}
	if change != nil {
		change(&w)
	}
	return cat, fed, &catalog.Snapshot{Cluster: catalog.Cluster{Name: "aks-eastus-01"}, Workloads: []catalog.Workload{w}}
}

func TestThePlanRecordsAStrategy(t *testing.T) {
	cat, fed := shop()
	digests := map[string]bool{}
	for _, tc := range []struct {
		strategy cutover.Strategy
		shown    string
		json     string
		steps    string
	}{
		{cutover.Strategy{}, "  direct  Deployment/api", `"mode": "direct",
      "serviceAccounts"`, "preflight trust annotate label dualPath load unbind canary release unbound loadAgain soak jobs finish"},
		{singly, "  direct, single rollout  Deployment/api", `"strategy": {
        "singleRollout": true
      }`, "preflight trust annotate switch canary release unbound loadAgain soak jobs finish"},
		{cutover.Strategy{Sidecar: true, SidecarPort: 8080}, "  direct, sidecar on port 8080  Deployment/api", `"strategy": {
        "sidecar": true,
        "sidecarPort": 8080
      }`, "preflight trust annotate label dualPath load unbind canary release unbound loadAgain soak jobs finish"},
	} {
		p, err := cutover.NewPlan(cat, fed, &cutover.PlanOptions{
			Strategy: func(cutover.Unit) cutover.Strategy { return tc.strategy },
			Attest:   func(cutover.Unit, cutover.Workload) cutover.Attestation { return cutover.AttestVerified },
		})
		if err != nil {
			t.Fatal(err)
		}
		var shown, encoded bytes.Buffer
		if err := p.Show(&shown); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(shown.String(), tc.shown) {
			t.Errorf("%q is not in:\n%s", tc.shown, shown.String())
		}
		if err := p.Encode(&encoded); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(encoded.String(), tc.json) {
			t.Errorf("%q is not in:\n%s", tc.json, encoded.String())
		}
		var steps []string
		for _, s := range p.Units[0].Steps {
			id, _, _ := strings.Cut(s.ID, "/")
			steps = append(steps, id)
		}
		if got := strings.Join(steps, " "); got != tc.steps {
			t.Errorf("steps %s, want %s", got, tc.steps)
		}
		again, err := cutover.ReadPlan(&encoded)
		if err != nil || again.Units[0].Strategy != tc.strategy || again.Units[0].Workloads[0].Attested != cutover.AttestVerified {
			t.Errorf("read again: %v %+v", err, again.Units[0].Strategy)
		}
		again.Units[0].Strategy = cutover.Strategy{Sidecar: true}
		if again.Check() == nil {
			t.Error("the digest does not cover the strategy")
		}
		digests[p.Digest] = true
	}
	if len(digests) != 3 {
		t.Errorf("%d digests of 3 plans", len(digests))
	}
}

func TestASingleRolloutsWriteAndItsInverseAreSpelledOut(t *testing.T) {
	cat, fed := shop()
	p, err := cutover.NewPlan(cat, fed, once(cutover.PlanOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Units[0].Steps {
		if s.Kind != cutover.StepSwitch {
			continue
		}
		const labels = "/spec/template/metadata/labels/"
		if want := `[{"op":"test","path":"` + labels + `aadpodidbinding","value":"api"},{"op":"remove","path":"` + labels + `aadpodidbinding"},` +
			`{"op":"add","path":"` + labels + `azure.workload.identity~1use","value":"true"}]`; s.Edits[0].Patch != want {
			t.Errorf("patch %s, want %s", s.Edits[0].Patch, want)
		}
		if want := `[{"op":"add","path":"` + labels + `aadpodidbinding","value":"api"},` +
			`{"op":"test","path":"` + labels + `azure.workload.identity~1use","value":"true"},{"op":"remove","path":"` + labels + `azure.workload.identity~1use"}]`; s.Edits[0].Inverse != want {
			t.Errorf("inverse %s, want %s", s.Edits[0].Inverse, want)
		}
		return
	}
	t.Error("no step switches")
}

func TestACatalogOfASnapshotKnowsWhatASidecarIsRefusedFor(t *testing.T) {
	c := catalogtest.NewCluster("aks-1", "eastus").App("shop", "web").Edit(func(s *catalog.Snapshot) {
		for i := range s.Workloads {
			s.Workloads[i].Template.HostNetwork = true
		}
	})
	cat, err := catalog.Reconcile([]*catalog.Snapshot{c.Snapshot()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	fed, err := federation.NewPlan(cat, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := cutover.NewPlan(cat, fed, &cutover.PlanOptions{Strategy: func(cutover.Unit) cutover.Strategy { return proxied }}) // no snapshot: by the finding
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, b := range p.Blocked {
		for _, r := range b.Reasons {
			if r.Code == cutover.SidecarRefused {
				refused++
			}
		}
	}
	if refused == 0 {
		t.Errorf("not refused: %+v", p.Blocked)
	}
}
