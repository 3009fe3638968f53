package catalog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
)

// needLines says needs as "cluster namespace/account identity(name) state [workloads]".
func needLines(needs []catalog.Need) []string {
	var out []string
	for _, n := range needs {
		var workloads []string
		for _, w := range n.Workloads {
			workloads = append(workloads, w.APIVersion+" "+w.String())
		}
		out = append(out, fmt.Sprintf("%s/%s %s %s %s", n.Namespace, n.ServiceAccount, n.Identity.Name, n.State, strings.Join(workloads, ", ")))
	}
	return out
}

func needsOf(t *testing.T, clusters ...*catalogtest.Cluster) []catalog.Need {
	t.Helper()
	var snaps []*catalog.Snapshot
	for _, c := range clusters {
		snaps = append(snaps, c.Snapshot())
	}
	got, err := catalog.Reconcile(snaps, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got.Needs
}

func TestNeedsAreNamedByTheTopOwner(t *testing.T) {
	hash := func(label string) edit { return func(w *catalog.Workload) { w.Template.Labels[label] = "abc12" } }
	own := func(apiVersion, kind, name string) edit {
		return func(w *catalog.Workload) { w.Owner = &catalog.Owner{APIVersion: apiVersion, Kind: kind, Name: name} }
	}
	mark := func(key, value string) edit { return func(w *catalog.Workload) { w.Template.Labels[key] = value } }
	for _, tc := range []struct {
		name string
		pod  []edit
		want string
	}{
		{"a ReplicaSet that is not at hand, of a Deployment", []edit{own("apps/v1", "ReplicaSet", "web-abc12"), hash("pod-template-hash")}, "apps/v1 Deployment/web"},
		{"a ReplicaSet that is not at hand, of a Rollout", []edit{own("apps/v1", "ReplicaSet", "web-abc12"), hash("rollouts-pod-template-hash")}, "argoproj.io/v1alpha1 Rollout/web"},
		{"a ReplicaSet of nobody", []edit{own("apps/v1", "ReplicaSet", "web")}, "apps/v1 ReplicaSet/web"},
		{"a Job by schedule", []edit{own("batch/v1", "Job", "night-29043210")}, "batch/v1 CronJob/night"},
		{"a Job by schedule in seconds, as before 1.21", []edit{own("batch/v1", "Job", "night-1600000000")}, "batch/v1 CronJob/night"},
		{"a Job with a date in its name", []edit{own("batch/v1", "Job", "migrate-20230101")}, "batch/v1 Job/migrate-20230101"},
		{"a Knative service", []edit{own("apps/v1", "ReplicaSet", "hello-00001-deployment-abc12"), hash("pod-template-hash"), mark("serving.knative.dev/service", "hello")}, "serving.knative.dev/v1 Service/hello"},
		{"a workflow on schedule", []edit{own("argoproj.io/v1alpha1", "Workflow", "ci-1"), mark("workflows.argoproj.io/cron-workflow", "ci")}, "argoproj.io/v1alpha1 CronWorkflow/ci"},
		{"an owner of an unknown kind", []edit{own("acme.io/v1", "Gadget", "g")}, "acme.io/v1 Gadget/g"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := catalogtest.NewCluster("aks-1", "eastus").Identity("shop", "web", "web").Binding("shop", "web", "web", "web").Account("shop", "web", "")
			c.Workload("Pod", "shop", "p", "web", append(tc.pod, catalogtest.Label("web"))...)
			want := []string{"shop/web web podIdentity " + tc.want}
			if diff := cmp.Diff(want, needLines(needsOf(t, c))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestALoopOfOwnersEnds(t *testing.T) {
	c := catalogtest.NewCluster("aks-1", "eastus").App("shop", "web")
	c.Workload("Widget", "shop", "a", "web", catalogtest.Label("shop-web"), c.OwnedBy("Widget", "b"))
	c.Workload("Widget", "shop", "b", "web", catalogtest.Label("shop-web"), c.OwnedBy("Widget", "a"))
	if got := needsOf(t, c); len(got) != 1 || len(got[0].Workloads) != 3 {
		t.Errorf("needs: %v", needLines(got))
	}
}

func TestRevisionsOfHistoryAreNoNeeds(t *testing.T) {
	c := catalogtest.NewCluster("aks-1", "eastus").App("shop", "web")
	c.Identity("shop", "old", "old").Binding("shop", "old", "old", "old")
	c.Workload("ReplicaSet", "shop", "web-1", "web", catalogtest.Label("old"), catalogtest.Replicas(0), c.OwnedBy("Deployment", "web"))
	hash := func(w *catalog.Workload) { w.Template.Labels["pod-template-hash"] = w.Name[len("far-"):] }
	c.Workload("ReplicaSet", "shop", "far-1", "web", catalogtest.Label("old"), catalogtest.Replicas(0), hash, c.OwnedBy("Deployment", "far"))
	c.Workload("ReplicaSet", "shop", "far-2", "web", catalogtest.Label("shop-web"), hash, c.OwnedBy("Deployment", "far"))
	want := []string{"shop/web web podIdentity apps/v1 Deployment/far, apps/v1 Deployment/web"}
	if diff := cmp.Diff(want, needLines(needsOf(t, c))); diff != "" {
		t.Error(diff)
	}
}

func TestARevisionThatStillRunsIsANeed(t *testing.T) {
	c := catalogtest.NewCluster("aks-1", "eastus").Identity("shop", "web", "web").Binding("shop", "web", "web", "web").Account("shop", "web", "")
	c.Workload("Deployment", "shop", "web", "web").Workload("ReplicaSet", "shop", "web-1", "web", catalogtest.Label("web"), c.OwnedBy("Deployment", "web"))
	want := []string{"shop/web web podIdentity apps/v1 Deployment/web"}
	if diff := cmp.Diff(want, needLines(needsOf(t, c))); diff != "" {
		t.Error(diff)
	}
}

func TestAPodOlderThanItsTemplateStillNeedsItsIdentity(t *testing.T) {
	c := catalogtest.NewCluster("aks-1", "eastus").Identity("shop", "web", "web").Binding("shop", "web", "web", "web").Account("shop", "web", catalogtest.ClientID("web"))
	c.Workload("Deployment", "shop", "web", "web", catalogtest.Use())
	c.Workload("Pod", "shop", "web-0", "web", catalogtest.Label("web"), c.OwnedBy("Deployment", "web"))
	want := []string{"shop/web web dual apps/v1 Deployment/web"}
	if diff := cmp.Diff(want, needLines(needsOf(t, c))); diff != "" {
		t.Error(diff)
	}
}

func TestIdentitiesBehindClientIDs(t *testing.T) {
	moved := func(name string) *catalogtest.Cluster {
		return catalogtest.NewCluster(name, "eastus").Account("shop", "web", capitals(catalogtest.ClientID("web"))).Workload("Deployment", "shop", "web", "web", catalogtest.Use())
	}
	inAzure := func(s *catalog.Snapshot) {
		s.ManagedIdentitiesRead = true
		s.ManagedIdentities = []catalog.ManagedIdentity{{ResourceID: catalogtest.ResourceID("web"), ClientID: catalogtest.ClientID("web"), Location: "eastus"}}
	}
	known := catalog.Identity{Kind: catalog.UserAssigned, Name: "mine", ResourceID: catalogtest.ResourceID("web"), ClientID: catalogtest.ClientID("web")}
	theirs, azures := known, known
	theirs.Name, azures.Name = "theirs", "web"
	application := catalog.Identity{Kind: catalog.Application, Name: "mine", ClientID: catalogtest.ClientID("web")}
	for _, tc := range []struct {
		name  string
		fleet []*catalogtest.Cluster
		want  catalog.Identity
	}{
		{"by the cluster's own AzureIdentity", []*catalogtest.Cluster{moved("a").Identity("shop", "mine", "web").Edit(inAzure), catalogtest.NewCluster("b", "").Identity("shop", "theirs", "web")}, known},
		{"by that of its namespace first", []*catalogtest.Cluster{moved("a").Identity("other", "first", "web").Identity("shop", "mine", "web")}, known},
		{"by another cluster's", []*catalogtest.Cluster{moved("a").Edit(inAzure), catalogtest.NewCluster("b", "").Identity("shop", "theirs", "web")}, theirs},
		{"by ARM", []*catalogtest.Cluster{moved("a"), catalogtest.NewCluster("b", "").Edit(inAzure)}, azures},
		{"by nobody", []*catalogtest.Cluster{moved("a")}, catalog.Identity{Kind: catalog.UserAssigned, ClientID: capitals(catalogtest.ClientID("web"))}},
		{"by a service principal", []*catalogtest.Cluster{moved("a").Identity("shop", "mine", "web", func(id *catalog.AzureIdentity) { id.Type = 2 })}, application},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := needsOf(t, tc.fleet...)
			if len(got) != 1 {
				t.Fatalf("needs: %v", needLines(got))
			}
			if diff := cmp.Diff(tc.want, got[0].Identity); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestModes(t *testing.T) {
	assigned := func(namespace string) func(*catalog.Snapshot) {
		return func(s *catalog.Snapshot) {
			s.Assigned = []catalog.AssignedIdentity{{Meta: catalog.Meta{Namespace: namespace, Name: "x"}, Identity: "shop/web"}}
		}
	}
	for _, tc := range []struct {
		name string
		edit func(*catalog.Snapshot)
		want catalog.PodIdentityMode
	}{
		{"nothing at all", func(s *catalog.Snapshot) { s.Identities, s.Bindings = nil, nil }, catalog.ModeNone},
		{"nothing, but bindings were not read", func(s *catalog.Snapshot) {
			s.Identities, s.Bindings = nil, nil
			gap("azureidentitybindings.aadpodidentity.k8s.io")(s)
		}, catalog.ModeStandard},
		{"nothing that tells", func(*catalog.Snapshot) {}, catalog.ModeStandard},
		{"as declared", func(s *catalog.Snapshot) { s.Cluster.PodIdentityMode = catalog.ModeNamespaced }, catalog.ModeNamespaced},
		{"declared as a word that is no mode", func(s *catalog.Snapshot) { s.Cluster.PodIdentityMode = "x" }, catalog.ModeStandard},
		{"the add-on", func(s *catalog.Snapshot) { s.AddOn = &catalog.AddOn{Enabled: true} }, catalog.ModeManaged},
		{"NMI told to be managed", func(s *catalog.Snapshot) { s.Components = []catalog.Component{{Role: "nmi", Managed: true}} }, catalog.ModeManaged},
		{"MIC told to be namespaced", func(s *catalog.Snapshot) {
			s.Components = []catalog.Component{{Role: "mic", ForceNamespaced: true}, {Role: "nmi"}}
		}, catalog.ModeNamespaced},
		{"assignments in default", assigned("default"), catalog.ModeStandard},
		{"assignments beside their identities", assigned("shop"), catalog.ModeNamespaced},
		{"assignments of a namespaced identity tell nothing", func(s *catalog.Snapshot) {
			assigned("shop")(s)
			s.Identities[0].Namespaced = true
		}, catalog.ModeStandard},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := catalogtest.NewCluster("a", "").App("shop", "web").Edit(tc.edit)
			got, err := catalog.Reconcile([]*catalog.Snapshot{c.Snapshot()}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got.Clusters[0].PodIdentityMode != tc.want {
				t.Errorf("mode %q, want %q", got.Clusters[0].PodIdentityMode, tc.want)
			}
		})
	}
}

func TestClustersThatCannotBeToldApart(t *testing.T) {
	one, two, other := catalogtest.NewCluster("a", "").App("shop", "web").Snapshot(), catalogtest.NewCluster("a", "").Snapshot(), catalogtest.NewCluster("b", "").App("shop", "web").Snapshot()
	one.Origin, two.Origin = "dumps/one", "dumps/two"
	nameless := catalogtest.NewCluster("", "").Snapshot()
	for _, snaps := range [][]*catalog.Snapshot{{one, two, other, nameless, nil}, {nil, nameless, other, two, one}} {
		got, err := catalog.Reconcile(snaps, nil)
		if !errors.Is(err, catalog.ErrDuplicateCluster) || !errors.Is(err, catalog.ErrNoCluster) {
			t.Errorf("error %v", err)
		}
		for _, origin := range []string{"dumps/one", "dumps/two", `"a"`} {
			if !strings.Contains(err.Error(), origin) {
				t.Errorf("error does not name %s: %v", origin, err)
			}
		}
		if len(got.Clusters) != 2 || got.Clusters[0].Coverage.Complete || len(got.Needs) != 1 || got.Needs[0].Cluster != "b" {
			t.Errorf("the rest does not go on: %+v", got)
		}
		if diff := cmp.Diff([]string{"error coverage-gap  Read/cluster"}, lines(got.Findings)); diff != "" {
			t.Error(diff)
		}
	}
}
