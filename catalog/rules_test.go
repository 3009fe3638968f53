package catalog_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
)

// ruleCase builds one cluster and says every finding that comes of it, as "severity code namespace object".
type ruleCase struct {
	name  string
	build func(c *catalogtest.Cluster)
	want  []string
}

func runRules(t *testing.T, cases []ruleCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := catalogtest.NewCluster("aks-1", "eastus")
			tc.build(c)
			got, err := catalog.Reconcile([]*catalog.Snapshot{c.Snapshot()}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, lines(got.Findings)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
				for _, f := range got.Findings {
					t.Logf("%s: %s → %s", f.Code, f.Message, f.Remedy)
				}
			}
			for _, f := range got.Findings {
				if f.Message == "" || f.Remedy == "" || f.Cluster != "aks-1" {
					t.Errorf("finding without message, remedy or cluster: %+v", f)
				}
			}
		})
	}
}

func lines(findings []catalog.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%s %s %s %s", f.Severity, f.Code, f.Namespace, f.Object))
	}
	return out
}

type edit = func(*catalog.Workload)

// on adds an application whose Deployment is edited.
func on(e ...edit) func(*catalogtest.Cluster) {
	return func(c *catalogtest.Cluster) { c.App("shop", "web", e...) }
}

func gap(resource string) func(*catalog.Snapshot) {
	return func(s *catalog.Snapshot) {
		s.Cluster.Coverage = catalog.Coverage{Gaps: []catalog.Gap{{Resource: resource, Reason: "forbidden"}}}
	}
}

func TestWorkloadRules(t *testing.T) {
	runRules(t, []ruleCase{
		{"a running Deployment says nothing", on(), nil},
		{"a Deployment at zero is not running", on(catalogtest.Replicas(0)), []string{"warning not-running shop Deployment/web"}},
		{"a paused Deployment is told once", on(catalogtest.Suspended()), []string{"warning not-running shop Deployment/web"}},
		{"a paused Deployment at zero is told once", on(catalogtest.Suspended(), catalogtest.Replicas(0)), []string{"warning not-running shop Deployment/web"}},
		{"a suspended CronJob with a running pod is told once", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Workload("CronJob", "shop", "night", "web", catalogtest.Label("shop-web"), catalogtest.Suspended())
			c.Workload("Job", "shop", "night-29000000", "web", catalogtest.Label("shop-web"), c.OwnedBy("CronJob", "night"))
			c.Workload("Pod", "shop", "night-29000000-x", "web", catalogtest.Label("shop-web"), c.OwnedBy("Job", "night-29000000"))
		}, []string{"warning not-running shop CronJob/night"}},
		{"an unlabelled workload at zero says nothing", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Workload("Deployment", "shop", "idle", "web", catalogtest.Replicas(0))
		}, nil},
		{"a workload that has moved may be at zero", func(c *catalogtest.Cluster) {
			c.Account("shop", "web", catalogtest.ClientID("web")).Workload("Deployment", "shop", "web", "web", catalogtest.Use(), catalogtest.Replicas(0))
		}, nil},
		{"a custom workload is told with its path", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Workload("Widget", "shop", "w", "web", catalogtest.Label("shop-web"))
		}, []string{"warning custom-workload shop Widget/w"}},
		{"a built-in kind of another group is custom", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Workload("Deployment", "shop", "w", "web", catalogtest.Label("shop-web"), func(w *catalog.Workload) { w.APIVersion = "acme.io/v1" })
		}, []string{"warning custom-workload shop Deployment/w"}},
		{"the label in the selector cannot leave", on(func(w *catalog.Workload) { w.SelectsBinding = true }), []string{"blocking immutable-selector shop Deployment/web"}},
		{"a pod without controller is bare", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Workload("Pod", "shop", "p", "web", catalogtest.Label("shop-web"))
		}, []string{"warning bare-pod shop Pod/p"}},
		{"a finished bare pod is none", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Workload("Pod", "shop", "p", "web", catalogtest.Label("shop-other"), func(w *catalog.Workload) { w.Phase = "Succeeded" })
		}, nil},
		{"a mirror pod is bare: nothing makes it again", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Workload("Pod", "shop", "p", "web", catalogtest.Label("shop-web"), func(w *catalog.Workload) {
				w.Owner = &catalog.Owner{APIVersion: "v1", Kind: "Node", Name: "node-0"}
			})
		}, []string{"warning bare-pod shop Pod/p"}},
		{"the host's network is told", on(func(w *catalog.Workload) { w.Template.HostNetwork = true }), []string{"warning host-network shop Deployment/web"}},
		{"Windows is told by the template", on(func(w *catalog.Workload) { w.Template.Windows = true }), []string{"warning windows shop Deployment/web"}},
		{"Windows is told by the node", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Workload("Pod", "shop", "web-0", "web", catalogtest.Label("shop-web"), c.OwnedBy("Deployment", "web"))
			c.Edit(func(s *catalog.Snapshot) {
				s.Nodes = []catalog.Node{{Meta: catalog.Meta{Name: "node-0"}, Windows: true}}
			})
		}, []string{"warning windows shop Deployment/web"}},
		{"a credential in the environment is told", on(env("AZURE_CLIENT_ID", "x")), []string{"warning hard-coded-environment shop Deployment/web"}},
		{"variables of Azure that are no credentials are not", on(env("AZURE_STORAGE_ACCOUNT", "x")), nil},
		{"what the webhook wrote into a pod is not the pod's word", func(c *catalogtest.Cluster) {
			c.Account("shop", "web", catalogtest.ClientID("web")).Workload("Deployment", "shop", "web", "web", catalogtest.Use())
			c.Workload("Pod", "shop", "web-0", "web", catalogtest.Use(), c.OwnedBy("Deployment", "web"),
				env("AZURE_CLIENT_ID", "x"), env("AZURE_FEDERATED_TOKEN_FILE", "/var/run/secrets/azure/tokens/azure-identity-token"))
		}, nil},
		{"the metadata endpoint in the text is told", on(func(w *catalog.Workload) { w.Template.IMDS = []string{"app: args"} }), []string{"warning hard-coded-environment shop Deployment/web"}},
		{"a workload of Argo CD is told, with its objects", on(func(w *catalog.Workload) { w.Manager = "argocd:shop" }), []string{"info gitops-managed shop Deployment/web"}},
		{"a cluster-wide template is told and keeps its binding", func(c *catalogtest.Cluster) {
			c.Identity("argo", "ci", "ci").Binding("argo", "ci", "ci", "ci").Workload("ClusterWorkflowTemplate", "argo", "build", "", catalogtest.Label("ci"))
			c.Edit(func(s *catalog.Snapshot) { s.Workloads[0].Namespace = "" })
		}, []string{"warning custom-workload  ClusterWorkflowTemplate/build"}},
	})
}

func env(name, value string) edit {
	return func(w *catalog.Workload) {
		w.Template.Env = append(w.Template.Env, catalog.Env{Container: "app", Name: name, Value: value})
	}
}

func TestPathRules(t *testing.T) {
	runRules(t, []ruleCase{
		{"an empty label matches nothing, not even an empty selector", func(c *catalogtest.Cluster) {
			c.Identity("shop", "web", "web").Binding("shop", "b", "web", "").Account("shop", "web", "").Workload("Deployment", "shop", "web", "web", catalogtest.Label(""))
		}, []string{"error label-without-binding shop Deployment/web", "warning orphan-binding shop AzureIdentityBinding/b"}},
		{"in managed mode an empty selector takes every pod without a label", func(c *catalogtest.Cluster) {
			c.Identity("shop", "web", "web").Binding("shop", "b", "web", "").Account("shop", "web", "").Workload("Deployment", "shop", "web", "web")
			c.Edit(func(s *catalog.Snapshot) { s.Components = []catalog.Component{{Role: "nmi", Managed: true}} })
		}, []string{"error malformed-object shop AzureIdentityBinding/b"}},
		{"and those whose label is empty", func(c *catalogtest.Cluster) {
			c.Identity("shop", "web", "web").Binding("shop", "b", "web", "").Account("shop", "web", "").Workload("Deployment", "shop", "web", "web", catalogtest.Label(""))
			c.Edit(func(s *catalog.Snapshot) { s.Components = []catalog.Component{{Role: "nmi", Managed: true}} })
		}, []string{"error malformed-object shop AzureIdentityBinding/b"}},
		{"labels and selectors differ in one letter's case", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Workload("Deployment", "shop", "x", "web", catalogtest.Label("Shop-web"))
		}, []string{"error label-without-binding shop Deployment/x"}},
		{"no binding is said to be missing while bindings are unread", func(c *catalogtest.Cluster) {
			c.Account("shop", "web", "").Workload("Deployment", "shop", "x", "web", catalogtest.Label("x")).Edit(gap("azureidentitybindings.aadpodidentity.k8s.io"))
		}, []string{"error coverage-gap  Read/azureidentitybindings.aadpodidentity.k8s.io"}},
		{"no binding is said to be an orphan while CronJobs are unread", func(c *catalogtest.Cluster) {
			c.Identity("shop", "web", "web").Binding("shop", "b", "web", "x").Edit(gap("cronjobs.batch"))
		}, []string{"error coverage-gap  Read/cronjobs.batch"}},
		{"a lost pod keeps bindings from being orphans", func(c *catalogtest.Cluster) {
			c.Identity("shop", "web", "web").Binding("shop", "b", "web", "x").Edit(func(s *catalog.Snapshot) {
				s.Malformed = []catalog.Malformed{{Origin: "file:pods.yaml#3", Object: "Pod/p", Namespace: "shop", Field: "metadata.labels", Reason: "is a number"}}
			})
		}, []string{"error malformed-object shop Pod/p"}},
		{"an object with a name that cannot be hides nothing", func(c *catalogtest.Cluster) {
			c.Identity("shop", "web", "web").Binding("shop", "b", "web", "x").Workload("Deployment", "shop", "../web", "web", catalogtest.Label("x"))
		}, []string{"error malformed-object shop Deployment/../web", "warning orphan-binding shop AzureIdentityBinding/b"}},
		{"a binding that dangles is told, used or not", func(c *catalogtest.Cluster) {
			c.Binding("shop", "b", "none", "x").Account("shop", "web", "").Workload("Deployment", "shop", "web", "web", catalogtest.Label("x")).Identity("other", "none", "none")
		}, []string{"error dangling-identity shop AzureIdentityBinding/b"}},
		{"no identity is said to be missing while identities are unread", func(c *catalogtest.Cluster) {
			c.Binding("shop", "b", "none", "x").Account("shop", "web", "").Workload("Deployment", "shop", "web", "web", catalogtest.Label("x")).Edit(gap("azureidentities.aadpodidentity.k8s.io"))
		}, []string{"error coverage-gap  Read/azureidentities.aadpodidentity.k8s.io"}},
		{"standard mode matches across namespaces", across(nil), []string{
			"error cross-namespace-binding apps Deployment/web", "info cross-namespace-binding shop AzureIdentityBinding/b"}},
		{"an identity that is namespaced does not", across(func(s *catalog.Snapshot) { s.Identities[0].Namespaced = true }), []string{
			"error label-without-binding apps Deployment/web", "warning orphan-binding shop AzureIdentityBinding/b"}},
		{"namespaced mode does not", across(func(s *catalog.Snapshot) { s.Components = []catalog.Component{{Role: "mic", ForceNamespaced: true}} }), []string{
			"error label-without-binding apps Deployment/web", "warning orphan-binding shop AzureIdentityBinding/b"}},
		{"managed mode does not", across(func(s *catalog.Snapshot) { s.Components = []catalog.Component{{Role: "nmi", Managed: true}} }), []string{
			"error label-without-binding apps Deployment/web", "warning orphan-binding shop AzureIdentityBinding/b"}},
		{"two bindings to one identity are one need and no conflict", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Binding("shop", "again", "web", "shop-web")
		}, nil},
		{"an exception by any one label, its value in any case", func(c *catalogtest.Cluster) {
			c.App("shop", "web", catalogtest.Replicas(2)).Exception("shop", "x", "app", "WEB")
		}, []string{"info pod-identity-exception shop Deployment/web"}},
		{"an exception's key is exact and its namespace too", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Exception("shop", "x", "App", "web").Exception("other", "x", "app", "web")
		}, nil},
		{"a service principal that nothing binds is told mildly", func(c *catalogtest.Cluster) {
			c.Identity("shop", "sp", "sp", func(id *catalog.AzureIdentity) { id.Type = 1 })
		}, []string{"info service-principal shop AzureIdentity/sp"}},
		{"an identity that names nothing is malformed and no need", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Edit(func(s *catalog.Snapshot) { s.Identities[0].ResourceID, s.Identities[0].ClientID = "", "" })
		}, []string{"error malformed-object shop AzureIdentity/web"}},
		{"a type that does not exist is malformed", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Edit(func(s *catalog.Snapshot) { s.Identities[0].Type = 7 })
		}, []string{"error malformed-object shop AzureIdentity/web"}},
		{"a label that no pod can carry is malformed", on(catalogtest.Label("a b")), []string{
			"error malformed-object shop Deployment/web", "warning orphan-binding shop AzureIdentityBinding/web-binding"}},
	})
}

func across(edit func(*catalog.Snapshot)) func(*catalogtest.Cluster) {
	return func(c *catalogtest.Cluster) {
		c.Identity("shop", "web", "web").Binding("shop", "b", "web", "x").Account("apps", "web", "").Workload("Deployment", "apps", "web", "web", catalogtest.Label("x"))
		if edit != nil {
			c.Edit(edit)
		}
	}
}
