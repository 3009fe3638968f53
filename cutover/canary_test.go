package cutover_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// moving is a workload, and how it loses the old label.
type moving struct {
	name string
	app  cutovertest.App
	mode cutover.Mode
	k    int
	// canary is how many pods lose the label first; none, for the reason given.
	canary int
	none   string
	unsaid bool // a snapshot does not tell
}

// movings are all ways in which workloads lose the old label.
var movings = []moving{
	{name: "a Deployment", app: cutovertest.App{Replicas: 4}, canary: 2},
	{name: "a Deployment of one pod", app: cutovertest.App{Replicas: 1}, canary: 1},
	{name: "a Deployment whose tool is suspended", app: cutovertest.App{Replicas: 4}, mode: cutover.Suspend, canary: 2},
	{name: "a Deployment that is recreated", app: cutovertest.App{Replicas: 4, Recreate: true}, none: "its update strategy is Recreate"},
	{name: "a Deployment without pods", app: cutovertest.App{Replicas: -1}, none: "no pod that could be one"},
	{name: "a Deployment by Git", app: cutovertest.App{Replicas: 4}, mode: cutover.GitOps, none: "by a commit, which nothing holds"},
	{name: "a Deployment by Git alone", app: cutovertest.App{Replicas: 4}, mode: cutover.GitOnly, none: "by a commit, which nothing holds"},
	{name: "a Deployment, and no canary allowed", app: cutovertest.App{Replicas: 4}, k: -1, none: "the limits allow no canary pods"},
	{name: "a StatefulSet", app: cutovertest.App{Kind: "StatefulSet", Replicas: 4}, canary: 2},
	{name: "a StatefulSet no larger than the canary", app: cutovertest.App{Kind: "StatefulSet", Replicas: 2}, canary: 1},
	{name: "a StatefulSet of one pod", app: cutovertest.App{Kind: "StatefulSet", Replicas: 1}, none: "its only pod would be all of it"},
	{name: "a StatefulSet by Git", app: cutovertest.App{Kind: "StatefulSet", Replicas: 4}, mode: cutover.GitOps, none: "by a commit, which nothing holds"},
	{name: "a StatefulSet with OnDelete", app: cutovertest.App{Kind: "StatefulSet", Replicas: 4, OnDelete: true}, canary: 2},
	{name: "a StatefulSet of two pods with OnDelete", app: cutovertest.App{Kind: "StatefulSet", Replicas: 2, OnDelete: true}, canary: 1},
	{name: "a StatefulSet of one pod with OnDelete", app: cutovertest.App{Kind: "StatefulSet", Replicas: 1, OnDelete: true}, none: "its only pod would be all of it"},
	{name: "a StatefulSet with OnDelete by Git", app: cutovertest.App{Kind: "StatefulSet", Replicas: 4, OnDelete: true}, mode: cutover.GitOps, canary: 2},
	{name: "a DaemonSet", app: cutovertest.App{Kind: "DaemonSet"}, canary: 2},
	{name: "a DaemonSet by Git", app: cutovertest.App{Kind: "DaemonSet"}, mode: cutover.GitOps, none: "by a commit, which nothing holds"},
	{name: "a DaemonSet that surges", app: cutovertest.App{Kind: "DaemonSet", Surge: 1, Unavailable: 0}, none: "no node is without its pod", unsaid: true},
	{name: "a DaemonSet with OnDelete", app: cutovertest.App{Kind: "DaemonSet", OnDelete: true}, canary: 2},
	{name: "a DaemonSet with OnDelete by Git", app: cutovertest.App{Kind: "DaemonSet", OnDelete: true}, mode: cutover.GitOps, canary: 2},
	{name: "a CronJob", app: cutovertest.App{Kind: "CronJob"}, none: "its kind cannot be held"},
	{name: "an Argo Rollout", app: cutovertest.App{Kind: "Rollout"}, none: "its kind cannot be held"},
}

// What preflight promises of an application that nobody knows is what happens to it: a canary where it passes, and none where it does not.
// The plan says beforehand where there is none.
func TestACanaryIsPromisedExactlyWhereThereIsOne(t *testing.T) {
	t.Parallel()
	for _, m := range movings {
		bubble(t, m.name, func(t *testing.T) {
			f, _ := oneApp(t, m.app)
			p := planFor(t, f, &cutover.PlanOptions{
				Limits: cutover.Limits{CanaryPods: m.k},
				Mode:   func(cutover.Unit) cutover.Mode { return m.mode },
			})
			risks := strings.Join(p.Units[0].Risks, "; ")
			if said := strings.Contains(risks, "leaves the old path without a canary"); said != (m.none != "" && !m.unsaid) || !m.unsaid && !strings.Contains(risks, m.none) {
				t.Errorf("risks: %s; want that there is no canary, since %q, or none where there is one", risks, m.none)
			}
			unknown := m.run(t, f, p, cutover.AttestUnknown)
			if m.none != "" {
				if unknown.state != cutover.Held || !strings.Contains(unknown.reason, m.none) || unknown.canary != 0 {
					t.Errorf("nobody knows the application, and there is no canary: %+v; want it held, since %q", unknown, m.none)
				}
				if known := m.run(t, f, p, cutover.AttestDeclared); known.canary != 0 {
					t.Errorf("its owner knows the application, and without a canary there was one of %d pods", known.canary)
				}
				return
			}
			if unknown.state != cutover.Done || unknown.canary != m.canary || unknown.moved != m.canary || unknown.others == 0 {
				t.Errorf("nobody knows the application: %+v; want a canary of %d, with the label on others", unknown, m.canary)
			}
			wantNoHarm(t, f)
		})
	}
}

// seen is what came of a run, and what the gate of the canary saw: how many pods it was to judge, and how many were without the label and
// with it.
type seen struct {
	state                 cutover.State
	reason                string
	canary, moved, others int
}

// run moves the unit by a preflight that asks for the canary alone, and by gates that pass.
func (m moving) run(t *testing.T, f *cutovertest.Fleet, p *cutover.Plan, known cutover.Attestation) seen {
	t.Helper()
	var out seen
	var others []string
	for _, c := range cutover.Checks() {
		if c.Code != "PF15" {
			others = append(others, c.Code)
		}
	}
	g := cutovertest.PassGates()
	g.Preflight = cutover.Preflight(&cutover.PreflightOptions{Skip: others, Attest: func(cutover.Workload) cutover.Attestation { return known }})
	g.Canary = func(ctx context.Context, target cutover.Target) cutover.Verdict {
		if target.Step.Kind != cutover.StepCanary { // ordinals, later
			return cutover.Verdict{Gate: "ordinals", Result: cutover.Pass}
		}
		if out.canary = target.Canary; out.canary > 0 {
			time.Sleep(10 * time.Minute) // and while it is judged, it stays a canary
			out.others = len(oldOrdinals(ctx, target.Cluster))
			pods, err := target.Cluster.List(ctx, cutover.Selection{APIVersion: "v1", Kind: "Pod", Namespace: "shop"})
			if err != nil {
				t.Error(err)
			}
			out.moved = len(pods) - out.others
		}
		return cutover.Verdict{Gate: "canary", Result: cutover.Pass}
	}
	r := runnerFor(t, f, cutovertest.NewJournal(), g, &cutover.Options{Patience: time.Hour, Evict: true, Oracle: f, Publish: merging(f)})
	u := mustRun(t, r, p).Units[0]
	out.state, out.reason = u.State, u.Reason
	return out
}

// The watches of a DaemonSet and of its revisions may be apart: what the status counts by is then not there yet.
func TestARevisionThatIsNotSeenYetIsNoEndOfARollout(t *testing.T) {
	of := func(kind, name string, more map[string]any) *unstructured.Unstructured {
		o := map[string]any{"kind": kind, "metadata": map[string]any{"name": name, "labels": map[string]any{"controller-revision-hash": "old"},
			"ownerReferences": []any{map[string]any{"uid": "u", "controller": true}}}}
		maps.Copy(o, more)
		return &unstructured.Unstructured{Object: o}
	}
	set := of("DaemonSet", "web", map[string]any{
		"spec":   map[string]any{"updateStrategy": map[string]any{"type": "OnDelete"}},
		"status": map[string]any{"desiredNumberScheduled": int64(1), "updatedNumberScheduled": int64(0), "numberAvailable": int64(1)},
	})
	set.SetUID("u")
	pod := of("Pod", "web-1", map[string]any{"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}}})
	revision := of("ControllerRevision", "web-old", map[string]any{"revision": int64(1)})
	if p := cutover.Rollout(set, []*unstructured.Unstructured{pod, revision}); p.Complete || p.Evict != "" {
		t.Errorf("by the only revision that is seen: %+v", p)
	}
	next := of("ControllerRevision", "web-new", map[string]any{"revision": int64(2)})
	next.SetLabels(map[string]string{"controller-revision-hash": "new"})
	if p := cutover.Rollout(set, []*unstructured.Unstructured{pod, revision, next}); p.Evict != "web-1" {
		t.Errorf("by the next: %+v", p)
	}
}

func TestADaemonSetWaitsAtItsCanary(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		do   func(c *cutovertest.Cluster)
		old  int // pods with the old label a day later
	}{
		{"for days, and goes on", func(*cutovertest.Cluster) {}, 2},
		{"while a node joins, whose pod has the new template", func(c *cutovertest.Cluster) {
			c.After(time.Hour, func(s *cutovertest.Script) { s.AddNode() })
		}, 2},
		{"unless somebody lets it roll", func(c *cutovertest.Cluster) {
			c.Edit("DaemonSet", "shop", "web", "kubectl", func(o map[string]any) {
				o["spec"].(map[string]any)["updateStrategy"].(map[string]any)["type"] = "RollingUpdate"
			})
		}, 0},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{Kind: "DaemonSet"})
			strategy := func() any { return c.Dump()["DaemonSet/shop/web"]["spec"].(map[string]any)["updateStrategy"] }
			before, p, j, g := strategy(), planFor(t, f, nil), cutovertest.NewJournal(), cutovertest.PassGates()
			g.Canary = cutovertest.Verdict(cutover.Inconclusive, "not seen")
			wantHold(t, mustRun(t, runnerFor(t, f, j, g, nil), p), cutover.HoldEvidence, "not seen")
			tc.do(c)
			time.Sleep(24 * time.Hour)
			if old := oldOrdinals(t.Context(), c); len(old) != tc.old {
				t.Errorf("held, and %d pods have the old label, want %d", len(old), tc.old)
			}
			wantStates(t, mustRun(t, runnerFor(t, f, j, cutovertest.PassGates(), nil), p), cutover.Done)
			if diff := cmp.Diff(before, strategy()); diff != "" {
				t.Errorf("the update strategy before (-) and after (+):\n%s", diff)
			}
			wantNoHarm(t, f)
		})
	}
}
