package cutover_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/federation"
)

// Kinds whose pods come by runs, or stand behind owners of their own, pass the provided gates as the built-in ones do: under load.
func TestDefaultGatesMoveCustomKindsUnderLoad(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		kind string
		load bool // it scales out and in; else it is idle
		want cutover.State
	}{
		{"a ScaledJob, by the Jobs that its queue makes", "ScaledJob", false, cutover.Done},
		{"a Knative Service, whose pods are four owners away", "Service", true, cutover.Done},
		{"but no Knative Service that stands still", "Service", false, cutover.Held},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{Kind: tc.kind})
			if tc.load {
				breathe(c, tc.kind, "web", 3, 9)
			}
			p := planFor(t, f, &cutover.PlanOptions{Soak: 2 * time.Hour})
			rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), realGates(nil), &cutover.Options{Patience: 6 * time.Hour}), p)
			wantStates(t, rep, tc.want)
			if tc.want == cutover.Held {
				wantHold(t, rep, cutover.HoldLoad, "no scale-out was seen")
			}
			wantNoHarm(t, f)
			now := c.Dump()
			_, bound := now["AzureIdentityBinding/shop/shop-web-binding"]
			if done := tc.want == cutover.Done; bound == done || done && strings.Contains(fmt.Sprint(now[tc.kind+"/shop/web"]), "aadpodidbinding") {
				t.Errorf("the binding is there: %v, and the workload is %v", bound, now[tc.kind+"/shop/web"])
			}
		})
	}
}

// A unit of nothing but Jobs has nothing to change: they end on the old path, and once NMI has been silent for the soak their binding goes.
func TestDefaultGatesWaitForAUnitOfJobs(t *testing.T) {
	bubble(t, "with provided gates", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Kind: "Job", Runs: 30 * time.Hour})
		p, j := planFor(t, f, &cutover.PlanOptions{Soak: 2 * time.Hour}), cutovertest.NewJournal()
		var kinds []string
		for _, s := range p.Units[0].Steps {
			kinds = append(kinds, string(s.Kind))
		}
		if got := strings.Join(kinds, " "); got != "preflight trust annotate soak finish finish" {
			t.Errorf("steps %s", got)
		}
		r := runnerFor(t, f, j, realGates(nil), &cutover.Options{Patience: 3 * time.Hour})
		rep := mustRun(t, r, p)
		wantHold(t, rep, cutover.HoldEvidence, "is still on the old path")
		if _, there := c.Dump()["AzureIdentityBinding/shop/shop-web-binding"]; !there {
			t.Error("the binding is gone while the Job needs it")
		}
		time.Sleep(30 * time.Hour)
		wantStates(t, mustRun(t, r, p), cutover.Done)
		wantNoHarm(t, f)
	})
}

// A custom resource that no rule knows is changed by a person: the hold says what to apply, and the unit goes on when it is seen.
func TestDefaultGatesHoldAnUnknownKindForAPersonWithTheYAML(t *testing.T) {
	bubble(t, "until both changes are made", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{Kind: "Crew"})
		breathe(c, "Crew", "web", 3, 9)
		p, j := planFor(t, f, &cutover.PlanOptions{Soak: time.Hour}), cutovertest.NewJournal()
		r := runnerFor(t, f, j, realGates(nil), &cutover.Options{Patience: 4 * time.Hour})
		for _, want := range []string{"azure.workload.identity/use: \"true\"", "aadpodidbinding: null"} {
			rep := mustRun(t, r, p)
			wantHold(t, rep, cutover.HoldManual, want)
			applyMerge(t, c, "Crew", rep.Units[0].Reason)
		}
		wantStates(t, mustRun(t, r, p), cutover.Done)
		wantNoHarm(t, f)
		if _, there := c.Dump()["AzureIdentityBinding/shop/shop-web-binding"]; there {
			t.Error("the binding is still there")
		}
	})
}

// applyMerge does what a hold says, as a person would: the YAML after the first line is a merge patch.
func applyMerge(t *testing.T, c *cutovertest.Cluster, kind, reason string) {
	t.Helper()
	_, text, _ := strings.Cut(reason, "\n")
	var patch map[string]any
	if err := yaml.Unmarshal([]byte(text), &patch); err != nil || patch["kind"] != kind {
		t.Fatalf("%v in %s", err, reason)
	}
	var merge func(to, from map[string]any)
	merge = func(to, from map[string]any) {
		for key, v := range from {
			next, isMap := v.(map[string]any)
			switch {
			case isMap:
				if _, ok := to[key].(map[string]any); !ok {
					to[key] = map[string]any{}
				}
				merge(to[key].(map[string]any), next)
			case v == nil:
				delete(to, key)
			default:
				to[key] = v
			}
		}
	}
	c.Edit(kind, "shop", "web", "kubectl", func(o map[string]any) { merge(o, patch) })
}

// A change inside a list is a JSON Patch: a merge would replace the list.
func TestWhatAPersonMustDoInAListIsAJSONPatch(t *testing.T) {
	snap, err := catalog.Files("aks-eastus-01", fstest.MapFS{"x.yaml": {Data: []byte(`
apiVersion: example.com/v1
kind: Crew
metadata: {name: web, namespace: shop, uid: u}
spec: {groups: [{name: a, template: {metadata: {labels: {aadpodidbinding: web}}, spec: {serviceAccountName: web, containers: [{name: c}]}}}]}
---
apiVersion: sparkoperator.k8s.io/v1beta2
kind: SparkApplication
metadata: {name: sums, namespace: shop, uid: v}
spec: {driver: {labels: {aadpodidbinding: web}, serviceAccount: web}}
`)}}, nil).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := catalog.Identity{Kind: catalog.UserAssigned, Name: "web", ClientID: "c", ResourceID: "/id"}
	cat := &catalog.Catalog{
		Clusters: []catalog.Cluster{{Name: "aks-eastus-01", Region: "eastus", Issuer: issuer, Coverage: catalog.Coverage{Complete: true}}},
		Needs: []catalog.Need{{Cluster: "aks-eastus-01", Namespace: "shop", ServiceAccount: "web", Identity: id, Selector: "web", Workloads: []catalog.WorkloadRef{
			{APIVersion: "example.com/v1", Kind: "Crew", Name: "web"}, {APIVersion: "sparkoperator.k8s.io/v1beta2", Kind: "SparkApplication", Name: "sums"}}}},
	}
	fed, err := federation.NewPlan(cat, federation.State{id.Key(): {{Name: "n", Issuer: issuer, Subject: "system:serviceaccount:shop:web", Audience: "api://AzureADTokenExchange"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := cutover.NewPlan(cat, fed, &cutover.PlanOptions{Snapshots: []*catalog.Snapshot{snap}})
	if err != nil || len(p.Units) != 1 {
		t.Fatalf("%v: %+v", err, p.Blocked)
	}
	patches := map[string]string{}
	for _, s := range p.Units[0].Steps {
		for _, e := range s.Edits {
			patches[e.ID] = e.Patch
		}
	}
	for id, want := range map[string]string{
		"label/Crew/web":              `by a person: [{"op":"add","path":"/spec/groups/0/template/metadata/labels/azure.workload.identity~1use","value":"true"}]`,
		"unbind/Crew/web":             `by a person: [{"op":"test","path":"/spec/groups/0/template/metadata/labels/aadpodidbinding","value":"web"},{"op":"remove","path":"/spec/groups/0/template/metadata/labels/aadpodidbinding"}]`,
		"label/SparkApplication/sums": "by a person: the place of the pod template is unknown", // its driver is no pod template
	} {
		if patches[id] != want {
			t.Errorf("%s: %s\nwant %s", id, patches[id], want)
		}
	}
	if _, ok := patches["crumbs/Crew/web"]; ok {
		t.Error("an object of an unknown kind is written to")
	}
}
