package cutover_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// approve lets every workload be probed.
func approve(cutover.Unit, cutover.Workload) bool { return true }

// scaledToZero makes a KEDA ScaledObject that has scaled web to zero.
func scaledToZero(c *cutovertest.Cluster) {
	c.Create(map[string]any{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": map[string]any{"name": "web", "namespace": "shop"},
		"spec": map[string]any{"minReplicaCount": int64(0), "scaleTargetRef": map[string]any{"name": "web"}}})
}

// witness records what a run has done to a cluster: the highest number of replicas of web that was seen, and the Jobs that were made.
type witness struct {
	mu   sync.Mutex
	most int64
	jobs []map[string]any
}

// replicas is the highest number that was seen, once all that has happened was seen.
func (w *witness) replicas() int64 {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.most
}

// made are the Jobs that were seen.
func (w *witness) made() []map[string]any {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.jobs
}

// watchOver follows web and its Jobs for as long as the test lasts.
func watchOver(t *testing.T, c *cutovertest.Cluster, kind string) *witness {
	t.Helper()
	w := &witness{}
	seen := map[string]bool{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Watch(t.Context(), []cutover.Selection{{Kind: kind, Namespace: "shop", Name: "web"}, {Kind: "Job", Namespace: "shop"}}, func(e cutover.WatchEvent) bool {
			if e.Type != cutover.Present {
				return true
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if n, ok := e.Object.Object["spec"].(map[string]any)["replicas"].(int64); ok && e.Object.GetKind() == kind {
				w.most = max(w.most, n)
			}
			if e.Object.GetKind() == "Job" && !seen[e.Object.GetName()] {
				seen[e.Object.GetName()] = true
				w.jobs = append(w.jobs, e.Object.Object)
			}
			return true
		})
	}()
	t.Cleanup(func() { <-done })
	return w
}

func TestAnIdleWorkloadMovesByAOnePodProbeAloneWhereThePlanApproves(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		app   cutovertest.App
		setup func(c *cutovertest.Cluster)
		most  int64 // replicas ever
		jobs  bool
	}{
		{name: "a Deployment at zero is scaled to one, and back", app: cutovertest.App{}, most: 1},
		{name: "so is a StatefulSet", app: cutovertest.App{Kind: "StatefulSet"}, most: 1},
		{name: "so is an Argo Rollout", app: cutovertest.App{Kind: "Rollout"}, most: 1},
		{name: "one with an HPA is tried by a Job, for the HPA would wake up", app: cutovertest.App{HPA: true}, jobs: true},
		{name: "one that KEDA has scaled to zero is tried by a Job, and KEDA is left alone", setup: scaledToZero, jobs: true},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			tc.app.Replicas = -1
			if tc.app.Kind == "" {
				tc.app.Kind = "Deployment"
			}
			f, c := oneApp(t, tc.app)
			if tc.setup != nil {
				tc.setup(c)
			}
			before := c.Dump()
			seen := watchOver(t, c, tc.app.Kind)
			p := planFor(t, f, &cutover.PlanOptions{ProbeIdle: approve, Soak: 2 * time.Hour})
			if risks := strings.Join(p.Units[0].Risks, "; "); !strings.Contains(risks, "verified by a one-pod probe, never under load") {
				t.Errorf("risks: %s", risks)
			}
			j := cutovertest.NewJournal()
			rep := mustRun(t, runnerFor(t, f, j, realGates(nil), nil), p)
			wantStates(t, rep, cutover.Done)
			wantProbed(t, rep, "one-pod probe", "dualPath/"+tc.app.Kind+"/web", "load", "unbound/"+tc.app.Kind+"/web", "loadAgain")
			if seen.replicas() != tc.most || (len(seen.made()) > 0) != tc.jobs {
				t.Errorf("up to %d replicas and %d Jobs", seen.replicas(), len(seen.made()))
			}
			wantLeftAlone(t, before, c.Dump())
			if tally := f.Tally(); tally.Failed+tally.Wrong+tally.OldPath != 0 || tally.NewPath == 0 {
				t.Errorf("tokens: %+v", tally)
			}
			if text := j.Text(); strings.Contains(text, `"kind":"probe"`) {
				t.Errorf("a probe is left in the journal: %s", text)
			}
		})
	}
}

// wantProbed wants the verdicts of these steps, and of no others, to say that they rest on a probe.
func wantProbed(t *testing.T, rep *cutover.Report, rung string, steps ...string) {
	t.Helper()
	var got []string
	for _, v := range rep.Units[0].Verdicts {
		told := slices.ContainsFunc(v.Evidence, func(e cutover.Evidence) bool {
			return strings.Contains(e.Got, "rung: "+rung) && strings.Contains(e.Got, "which the plan approves; not verified under load")
		})
		if told != strings.Contains(v.Reason, rung) {
			t.Errorf("%s: reason %q, evidence %+v", v.Step, v.Reason, v.Evidence)
		}
		if told {
			got = append(got, v.Step)
		}
	}
	if diff := cmp.Diff(steps, got); diff != "" {
		t.Errorf("steps by a probe (-want +got):\n%s", diff)
	}
}

// wantLeftAlone wants nothing changed but the labels that the unit moves by, and its bindings gone.
func wantLeftAlone(t *testing.T, before, after map[string]map[string]any) {
	t.Helper()
	for name, was := range before {
		if kind, _, _ := strings.Cut(name, "/"); kind == "AzureIdentityBinding" || kind == "AzureIdentity" || kind == "Job" || kind == "ServiceAccount" {
			continue
		}
		if diff := cmp.Diff(without(was), without(after[name])); diff != "" {
			t.Errorf("%s, before (-) and after (+):\n%s", name, diff)
		}
	}
	for name := range after {
		if _, known := before[name]; !known {
			t.Errorf("%s was left behind", name)
		}
	}
}

// without is an object without its pod template.
func without(o map[string]any) string {
	b, err := json.Marshal(o)
	if err != nil {
		return err.Error()
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return err.Error()
	}
	if spec, ok := m["spec"].(map[string]any); ok {
		delete(spec, "template")
		delete(spec, "jobTemplate")
	}
	b, err = json.Marshal(m)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestWithoutApprovalAnIdleWorkloadStaysHeld(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"Deployment", "StatefulSet", "Rollout"} {
		bubble(t, kind, func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{Kind: kind, Replicas: -1})
			seen := watchOver(t, c, kind)
			j := cutovertest.NewJournal()
			p := planFor(t, f, &cutover.PlanOptions{Soak: 2 * time.Hour})
			r := runnerFor(t, f, j, realGates(nil), nil)
			wantHold(t, mustRun(t, r, p), cutover.HoldLoad, "there is none")
			if seen.replicas() != 0 || len(seen.made()) != 0 || f.Tally().Births != 0 {
				t.Errorf("up to %d replicas, %d Jobs, %d pods", seen.replicas(), len(seen.made()), f.Tally().Births)
			}
			c.Scale(kind, "shop", "web", 3) // somebody starts it, and it comes under load
			breathe(c, kind, "web", 3, 9)
			time.Sleep(time.Minute)
			wantStates(t, mustRun(t, runnerFor(t, f, j, realGates(nil), &cutover.Options{Patience: 6 * time.Hour}), p), cutover.Done)
			if text := strings.Join(p.Units[0].Risks, "; "); !strings.Contains(text, "nothing can be verified until it does") {
				t.Errorf("risks: %s", text)
			}
		})
	}
}

func TestTheProbesPodServesNobody(t *testing.T) {
	bubble(t, "its Job carries none of the selector's labels, ends by itself, and belongs to the workload", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Replicas: -1, HPA: true})
		seen := watchOver(t, c, "Deployment")
		p := planFor(t, f, &cutover.PlanOptions{ProbeIdle: approve, Soak: -1})
		mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), realGates(nil), nil), p)
		if len(seen.made()) == 0 {
			t.Fatal("no Job was seen")
		}
		spec := seen.made()[0]["spec"].(map[string]any)
		labels := spec["template"].(map[string]any)["metadata"].(map[string]any)["labels"]
		want := map[string]any{"aadpodidbinding": "shop-web", "azure.workload.identity/use": "true", cutover.ProbeLabel: "true"}
		if diff := cmp.Diff(want, labels); diff != "" {
			t.Errorf("labels (-want +got):\n%s", diff)
		}
		owner := seen.made()[0]["metadata"].(map[string]any)["ownerReferences"].([]any)[0].(map[string]any)
		if spec["activeDeadlineSeconds"] != int64(1200) || spec["ttlSecondsAfterFinished"] != int64(300) || owner["kind"] != "Deployment" || owner["name"] != "web" {
			t.Errorf("spec %v, owner %v", spec, owner)
		}
	})
	bubble(t, "a StatefulSet with claims that an autoscaler rules cannot be tried so, and stays held", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Kind: "StatefulSet", Replicas: -1, HPA: true})
		c.Edit("StatefulSet", "shop", "web", "kubectl", func(o map[string]any) {
			o["spec"].(map[string]any)["volumeClaimTemplates"] = []any{map[string]any{"metadata": map[string]any{"name": "data"}}}
		})
		settle(t)
		p := planFor(t, f, &cutover.PlanOptions{ProbeIdle: approve})
		wantHold(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), realGates(nil), nil), p), cutover.HoldLoad, "would lack its claims")
	})
	bubble(t, "a pod that fails the probe rolls the unit back, and is gone", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Replicas: -1, SDK: cutovertest.SDKOld})
		before := c.Dump()
		p := planFor(t, f, &cutover.PlanOptions{ProbeIdle: approve})
		rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), realGates(nil), nil), p)
		wantStates(t, rep, cutover.RolledBack)
		if !strings.Contains(rep.Units[0].Reason, "token operations for the namespace") {
			t.Errorf("rolled back for %s", rep.Units[0].Reason)
		}
		if diff := cmp.Diff(before, c.Dump()); diff != "" {
			t.Errorf("before (-) and after the rollback (+):\n%s", diff)
		}
	})
}
