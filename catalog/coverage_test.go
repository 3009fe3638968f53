package catalog_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
)

func TestWhatCouldNotBeUsedLowersTheCoverage(t *testing.T) {
	object := catalog.Malformed{Origin: "file:a.yaml#1", Object: "Deployment/web", Namespace: "shop", Field: "spec.template", Reason: "is a number"}
	document := catalog.Malformed{Origin: "file:b.yaml#1", Reason: "did not find expected ','"}
	c := catalogtest.NewCluster("a", "").App("shop", "web").Edit(func(s *catalog.Snapshot) { s.Malformed = []catalog.Malformed{document, object} })
	got, err := catalog.Reconcile([]*catalog.Snapshot{c.Snapshot()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.Coverage{Gaps: []catalog.Gap{
		{Resource: "Deployment/web", Namespace: "shop", Reason: "file:a.yaml: spec.template: is a number"},
		{Resource: "file:b.yaml#1", Reason: "did not find expected ','"},
	}}
	if diff := cmp.Diff(want, got.Clusters[0].Coverage); diff != "" {
		t.Error(diff)
	}
	findings := []string{
		"error coverage-gap  Read/file:b.yaml#1", "error malformed-object  Document/file:b.yaml#1", "error malformed-object shop Deployment/web",
	}
	if diff := cmp.Diff(findings, lines(got.Findings)); diff != "" {
		t.Error(diff)
	}
}

func TestAFolderOfNoClusterIsNotAClearedCluster(t *testing.T) {
	files := fstest.MapFS{"readme.md": {Data: []byte("hello")}, "values.yaml": {Data: []byte("image: x\n")}}
	cat, err := catalog.Scan(t.Context(), []catalog.Source{catalog.Files("a", files, nil)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []catalog.Gap{{Resource: "files", Reason: "no file holds a Kubernetes object; is it the right folder?"}}
	if diff := cmp.Diff(want, cat.Clusters[0].Coverage.Gaps); diff != "" {
		t.Error(diff)
	}
}

func TestTheOrderOfItemsDoesNotShowInWhatIsWrongWithThem(t *testing.T) {
	item := func(name, template string) string {
		return "- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: " + name + ", namespace: shop}\n  spec: {template: " + template + "}\n"
	}
	a, b, c := item("a", "7"), item("b", "nope"), item("c", "{metadata: {labels: {aadpodidbinding: x}}, spec: {containers: [{name: c}]}}")
	var first *catalog.Catalog
	for _, items := range []string{a + b + c, c + b + a, b + c + a} {
		files := fstest.MapFS{"all.yaml": {Data: []byte("apiVersion: v1\nitems:\n" + items + "kind: List\n")}}
		cat, err := catalog.Scan(t.Context(), []catalog.Source{catalog.Files("a", files, nil)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = cat
		}
		if diff := cmp.Diff(first, cat); diff != "" || len(cat.Clusters[0].Coverage.Gaps) != 2 {
			t.Errorf("%d gaps, diff %s", len(cat.Clusters[0].Coverage.Gaps), diff)
		}
	}
}

func TestObjectsWithoutANameAreCountedWhereverTheyStand(t *testing.T) {
	nameless := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {namespace: shop}\nspec: {template: {metadata: {labels: {aadpodidbinding: x}}}}\n"
	named := "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
	var first *catalog.Catalog
	for _, documents := range [][]string{{nameless, named, nameless}, {nameless, nameless, named}, {named, nameless, nameless}} {
		files := fstest.MapFS{"all.yaml": {Data: []byte(strings.Join(documents, "---\n"))}}
		cat, err := catalog.Scan(t.Context(), []catalog.Source{catalog.Files("a", files, nil)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = cat
		}
		if diff := cmp.Diff(first, cat); diff != "" {
			t.Error(diff)
		}
	}
	want := []catalog.Gap{{Resource: "Deployment/", Namespace: "shop", Reason: "file:all.yaml: metadata.name: is empty (2 objects)"}}
	if diff := cmp.Diff(want, first.Clusters[0].Coverage.Gaps); diff != "" {
		t.Error(diff)
	}
}

func TestFilesThatAreNotOursSayNothing(t *testing.T) {
	files := catalogtest.Manifests(catalogtest.NewCluster("a", "").App("shop", "web").Snapshot())
	for name, text := range map[string]string{
		"numbers.json": `[1,2]`, "package.json": `{"name":"x"}`, "values.yaml": "image: x\n",
		"kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n",
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	cat, err := catalog.Scan(t.Context(), []catalog.Source{catalog.Files("a", files, nil)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(cat.Findings) != 0 || !cat.Complete() || len(cat.Needs) != 1 {
		t.Errorf("findings %v, coverage %+v, %d needs", cat.Findings, cat.Clusters[0].Coverage, len(cat.Needs))
	}
}

func TestOptionsOfStuckAssignments(t *testing.T) {
	c := catalogtest.NewCluster("a", "").App("shop", "web").Node("node-0")
	c.Workload("Pod", "shop", "web-0", "web", catalogtest.Label("shop-web"), c.OwnedBy("Deployment", "web"))
	c.Assigned("shop", "web-0", "web", "node-0", "Created").Edit(func(s *catalog.Snapshot) { s.Assigned[0].CreatedAt = "2025-03-01T10:00:00Z" })
	at := func(minutes int) time.Time { return time.Date(2025, 3, 1, 10, minutes, 0, 0, time.UTC) }
	for _, tc := range []struct {
		name string
		opts *catalog.Options
		want int
	}{
		{"by default the only one is as new as the read", nil, 0},
		{"ten minutes are not too long", &catalog.Options{Now: at(10)}, 0},
		{"eleven are", &catalog.Options{Now: at(11)}, 1},
		{"unless more are allowed", &catalog.Options{Now: at(11), StuckAfter: time.Hour}, 0},
		{"or it is switched off", &catalog.Options{Now: at(59), StuckAfter: -1}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := catalog.Reconcile([]*catalog.Snapshot{c.Snapshot()}, tc.opts)
			if err != nil {
				t.Fatal(err)
			}
			if n := got.Counts().ByCode[catalog.StaleAssignedIdentity]; n != tc.want {
				t.Errorf("%d findings, want %d", n, tc.want)
			}
		})
	}
}

func TestCoverageKnowsWhatItsGapsDoNotTouch(t *testing.T) {
	for _, tc := range []struct {
		gap  string
		want map[string]bool
	}{
		{"serviceaccounts", map[string]bool{"serviceaccounts": false, "pods": true, "deployments.apps": true}},
		{"cronjobs.batch", map[string]bool{"serviceaccounts": true, "pods": true, "deployments.apps": false}},
		{"file:dump.yaml", map[string]bool{"serviceaccounts": false, "pods": false, "nodes": false}},
		{"ServiceAccount/web", map[string]bool{"serviceaccounts": false, "pods": true}},
		{"AzureIdentity/web", map[string]bool{"serviceaccounts": true, "azureidentities.aadpodidentity.k8s.io": false}},
		{"ServiceAccount/../web", map[string]bool{"serviceaccounts": true}},
		{"/subscriptions/s/resourceGroups/g", map[string]bool{"serviceaccounts": true}},
		{"/.well-known/openid-configuration", map[string]bool{"serviceaccounts": true}},
	} {
		c := catalog.Coverage{Gaps: []catalog.Gap{{Resource: tc.gap}}}
		for resource, want := range tc.want {
			if c.Knows(resource) != want {
				t.Errorf("with a gap of %s, knows %s: %v", tc.gap, resource, !want)
			}
		}
	}
	if (catalog.Coverage{}).Knows("pods") || !(catalog.Coverage{Complete: true}).Knows("pods") {
		t.Error("a coverage that does not say what it lacks knows nothing, a complete one everything")
	}
	one := catalog.Coverage{Gaps: []catalog.Gap{{Resource: "Deployment/web", Namespace: "shop"}}}
	if one.KnowsIn("shop", "deployments.apps") || !one.KnowsIn("other", "deployments.apps") || one.Knows("deployments.apps") {
		t.Error("a gap of one object is a gap of its namespace")
	}
}
