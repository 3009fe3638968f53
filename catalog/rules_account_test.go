package catalog_test

import (
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
)

func TestAccountRules(t *testing.T) {
	runRules(t, []ruleCase{
		{"two identities share a service account", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Identity("shop", "b", "b").Binding("shop", "b", "b", "b").Workload("Deployment", "shop", "b", "web", catalogtest.Label("b"))
		}, []string{"blocking shared-service-account shop ServiceAccount/web"}},
		{"one identity under two names is not shared", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Identity("shop", "b", "SHOP-WEB").Binding("shop", "b", "b", "b").Workload("Deployment", "shop", "b", "web", catalogtest.Label("b"))
		}, []string{"info duplicate-identity shop AzureIdentity/b", "info duplicate-identity shop AzureIdentity/web"}},
		{"one workload with two identities does not share", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Identity("shop", "b", "b").Binding("shop", "b", "b", "shop-web")
		}, []string{"blocking many-identities shop Deployment/web"}},
		{"the default service account is told once", func(c *catalogtest.Cluster) {
			c.Identity("shop", "web", "web").Binding("shop", "web", "web", "web").
				Workload("Deployment", "shop", "a", "", catalogtest.Label("web")).Workload("Deployment", "shop", "b", "default", catalogtest.Label("web"))
		}, []string{"warning default-service-account shop ServiceAccount/default"}},
		{"the default service account is never missing", func(c *catalogtest.Cluster) {
			c.Identity("shop", "web", "web").Binding("shop", "web", "web", "web").Workload("Deployment", "shop", "a", "", catalogtest.Label("web"))
			c.Edit(func(s *catalog.Snapshot) { s.ServiceAccounts = nil })
		}, []string{"warning default-service-account shop ServiceAccount/default"}},
		{"a service account that is not there is missing", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Workload("Deployment", "shop", "b", "nobody", catalogtest.Label("shop-web"))
		}, []string{"error missing-service-account shop ServiceAccount/nobody"}},
		{"none is missing while service accounts are unread", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Workload("Deployment", "shop", "b", "nobody", catalogtest.Label("shop-web")).Edit(gap("serviceaccounts"))
		}, []string{"error coverage-gap  Read/serviceaccounts"}},
		{"an unlabelled workload may name one that is not there", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Workload("Deployment", "shop", "b", "nobody")
		}, nil},
		{"another client ID conflicts", annotated(catalogtest.ClientID("other")), []string{
			"error conflicting-annotation shop ServiceAccount/web", "info half-migrated shop Deployment/web"}},
		{"the same client ID in capitals does not", annotated(capitals(catalogtest.ClientID("web"))), []string{"info half-migrated shop Deployment/web"}},
		{"one of several identities may be the default", func(c *catalogtest.Cluster) {
			annotated(catalogtest.ClientID("web"))(c)
			c.Identity("shop", "b", "b").Binding("shop", "b", "b", "web")
		}, []string{"info half-migrated shop Deployment/web", "blocking many-identities shop Deployment/web"}},
		{"the label without an annotation takes the client ID away", func(c *catalogtest.Cluster) {
			c.Account("shop", "web", "").Workload("Deployment", "shop", "web", "web", catalogtest.Use())
		}, []string{"error half-migrated shop Deployment/web"}},
		{"the label without an annotation says nothing while service accounts are unread", func(c *catalogtest.Cluster) {
			c.Workload("Deployment", "shop", "web", "web", catalogtest.Use()).Edit(gap("serviceaccounts"))
		}, []string{"error coverage-gap  Read/serviceaccounts"}},
		{"the container's own client ID stands in for an annotation", func(c *catalogtest.Cluster) {
			c.Account("shop", "web", "").Workload("Deployment", "shop", "web", "web", catalogtest.Use(), env("AZURE_CLIENT_ID", catalogtest.ClientID("web")))
		}, []string{"warning half-migrated shop Deployment/web", "warning hard-coded-environment shop Deployment/web"}},
		{"a label that is not exactly true is passed over", func(c *catalogtest.Cluster) {
			c.Account("shop", "web", catalogtest.ClientID("web")).Workload("Deployment", "shop", "web", "web", func(w *catalog.Workload) {
				w.Template.Labels["azure.workload.identity/use"] = "True"
			})
		}, []string{"warning half-migrated shop Deployment/web"}},
		{"an annotation that no template answers is told", func(c *catalogtest.Cluster) {
			c.Account("shop", "web", catalogtest.ClientID("web")).Workload("Deployment", "shop", "web", "web")
		}, []string{"warning half-migrated shop ServiceAccount/web"}},
		{"an annotation that some template answers is not", func(c *catalogtest.Cluster) {
			c.Account("shop", "web", catalogtest.ClientID("web")).Workload("Deployment", "shop", "web", "web", catalogtest.Use()).Workload("Deployment", "shop", "job", "web")
		}, nil},
		{"a token life that the webhook refuses is malformed", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Edit(func(s *catalog.Snapshot) {
				s.ServiceAccounts[1].Annotations = map[string]string{"azure.workload.identity/service-account-token-expiration": "60"}
			})
		}, []string{"error malformed-object shop ServiceAccount/web"}},
		{"a label left over after the move is no error", func(c *catalogtest.Cluster) {
			c.Account("shop", "web", catalogtest.ClientID("web")).Workload("Deployment", "shop", "web", "web", catalogtest.Use(), catalogtest.Label("gone"))
		}, []string{"info half-migrated shop Deployment/web", "info label-without-binding shop Deployment/web"}},
	})
}

func annotated(client string) func(*catalogtest.Cluster) {
	return func(c *catalogtest.Cluster) {
		c.Identity("shop", "web", "web").Binding("shop", "web", "web", "web").Account("shop", "web", client).Workload("Deployment", "shop", "web", "web", catalogtest.Label("web"))
	}
}

func capitals(s string) string {
	out := []byte(s)
	for i, c := range out {
		if 'a' <= c && c <= 'z' {
			out[i] = c - 'a' + 'A'
		}
	}
	return string(out)
}

func TestAssignedIdentityRules(t *testing.T) {
	created := func(at ...string) func(*catalog.Snapshot) {
		return func(s *catalog.Snapshot) {
			for i := range s.Assigned {
				s.Assigned[i].CreatedAt = at[i]
			}
		}
	}
	pod := func(c *catalogtest.Cluster) *catalogtest.Cluster {
		c.App("shop", "web").Node("node-0").Workload("Pod", "shop", "web-0", "web", catalogtest.Label("shop-web"), c.OwnedBy("Deployment", "web"))
		return c
	}
	stale := []string{"warning stale-assigned-identity default AzureAssignedIdentity/web-1-shop-web"}
	runRules(t, []ruleCase{
		{"one with pod and node is fine", func(c *catalogtest.Cluster) { pod(c).Assigned("shop", "web-0", "web", "node-0", "Assigned") }, nil},
		{"its pod is gone", func(c *catalogtest.Cluster) { pod(c).Assigned("shop", "web-1", "web", "node-0", "Assigned") }, stale},
		{"its node is gone", func(c *catalogtest.Cluster) {
			pod(c).Assigned("shop", "web-0", "web", "node-9", "Assigned")
		}, []string{"warning stale-assigned-identity default AzureAssignedIdentity/web-0-shop-web"}},
		{"no pod is said to be gone where pods were not read", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Node("node-0").Assigned("shop", "web-1", "web", "node-0", "Assigned")
		}, nil},
		{"pods were read, and there is none", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Node("node-0").Assigned("shop", "web-1", "web", "node-0", "Assigned").Edit(func(s *catalog.Snapshot) { s.PodsRead = true })
		}, stale},
		{"no pod is said to be gone while pods are unread", func(c *catalogtest.Cluster) {
			pod(c).Assigned("shop", "web-1", "web", "node-0", "Assigned").Edit(gap("pods"))
		}, []string{"error coverage-gap  Read/pods"}},
		{"no node is said to be gone where nodes were not dumped", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Workload("Pod", "shop", "web-0", "web", catalogtest.Label("shop-web"), c.OwnedBy("Deployment", "web")).
				Assigned("shop", "web-0", "web", "node-0", "Assigned")
		}, nil},
		{"stuck in Created since before the newest by ten minutes", func(c *catalogtest.Cluster) {
			pod(c).Workload("Pod", "shop", "web-2", "web", catalogtest.Label("shop-web"), c.OwnedBy("Deployment", "web")).
				Assigned("shop", "web-0", "web", "node-0", "Created").Assigned("shop", "web-2", "web", "node-0", "Created").
				Edit(created("2025-03-01T10:00:00Z", "2025-03-01T10:11:00Z"))
		}, []string{"warning stale-assigned-identity default AzureAssignedIdentity/web-0-shop-web"}},
	})
}

func TestAddOnRules(t *testing.T) {
	profile := func(entries ...catalog.AddOnIdentity) func(*catalog.Snapshot) {
		return func(s *catalog.Snapshot) { s.AddOn = &catalog.AddOn{Enabled: true, Identities: entries} }
	}
	web := catalog.AddOnIdentity{Name: "web", Namespace: "shop", Selector: "shop-web", ResourceID: capitals(catalogtest.ResourceID("shop-web"))}
	failed := web
	failed.ProvisioningState, failed.ProvisioningError = "Failed", "Forbidden"
	absent := catalog.AddOnIdentity{Name: "absent", Namespace: "shop", ResourceID: catalogtest.ResourceID("absent")}
	runRules(t, []ruleCase{
		{"the profile and the cluster agree, whatever the letter case of ARM", func(c *catalogtest.Cluster) { c.App("shop", "web").Edit(profile(web)) }, nil},
		{"an assignment that failed is an error", func(c *catalogtest.Cluster) { c.App("shop", "web").Edit(profile(failed)) }, []string{"error add-on-mismatch shop AzureIdentity/web"}},
		{"an entry that the cluster has not", func(c *catalogtest.Cluster) { c.App("shop", "web").Edit(profile(web, absent)) }, []string{"warning add-on-mismatch shop AzureIdentity/absent"}},
		{"a binding that the profile has not", func(c *catalogtest.Cluster) { c.App("shop", "web").Edit(profile()) }, []string{"warning add-on-mismatch shop AzureIdentityBinding/web-binding"}},
		{"an add-on that is off says nothing", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Edit(func(s *catalog.Snapshot) { s.AddOn = &catalog.AddOn{} })
		}, nil},
		{"the profile stands in for bindings that could not be read", func(c *catalogtest.Cluster) {
			c.Account("shop", "web", "").Workload("Deployment", "shop", "web", "web", catalogtest.Label("shop-web")).Edit(profile(web)).Edit(gap("azureidentitybindings.aadpodidentity.k8s.io"))
		}, []string{"error coverage-gap  Read/azureidentitybindings.aadpodidentity.k8s.io"}},
		{"an exception that the cluster has not; AKS's own is passed over", func(c *catalogtest.Cluster) {
			c.App("shop", "web").Edit(profile(web)).Edit(func(s *catalog.Snapshot) {
				s.AddOn.Exceptions = []catalog.AddOnException{{Name: "aks-addon-exception", Namespace: "kube-system"}, {Name: "x", Namespace: "shop"}}
			})
		}, []string{"warning add-on-mismatch shop AzurePodIdentityException/x"}},
	})
}

func TestConsumerRules(t *testing.T) {
	runRules(t, []ruleCase{
		{"KEDA on Workload Identity is fine", trigger("TriggerAuthentication", "azure-workload"), nil},
		{"KEDA on Pod Identity is not", trigger("TriggerAuthentication", "azure"), []string{"error keda-pod-identity shop TriggerAuthentication/q"}},
		{"nor for the whole cluster", func(c *catalogtest.Cluster) {
			trigger("ClusterTriggerAuthentication", "azure")(c)
			c.Edit(func(s *catalog.Snapshot) { s.TriggerAuthentications[0].Namespace = "" })
		}, []string{"error keda-pod-identity  ClusterTriggerAuthentication/q"}},
		{"a class without Pod Identity is fine", class(false), nil},
		{"a class with Pod Identity is not", class(true), []string{"error csi-pod-identity shop SecretProviderClass/vault"}},
	})
}

func trigger(kind, provider string) func(*catalogtest.Cluster) {
	return func(c *catalogtest.Cluster) {
		c.Namespace("shop").Edit(func(s *catalog.Snapshot) {
			s.TriggerAuthentications = []catalog.TriggerAuthentication{{Meta: catalog.Meta{Kind: kind, Namespace: "shop", Name: "q"}, Provider: provider}}
		})
	}
}

func class(use bool) func(*catalogtest.Cluster) {
	return func(c *catalogtest.Cluster) {
		c.Namespace("shop").Edit(func(s *catalog.Snapshot) {
			s.SecretProviderClasses = []catalog.SecretProviderClass{{Meta: catalog.Meta{Namespace: "shop", Name: "vault"}, UsePodIdentity: use}}
		})
	}
}
