package catalogtest

import (
	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// workloadShapes plant what is wrong with workloads.
func workloadShapes() []shape {
	one := func(code catalog.Code, kind string, edit ...func(*catalog.Workload)) shape {
		return shape{code: code, fill: func(a *author, c *Cluster, ns string) {
			a.app(c, ns, "web", application{kind: kind, edit: edit})
			a.plant(c, code, ns, kind, "web")
		}}
	}
	return []shape{
		one(catalog.NotRunning, "Deployment", Replicas(0)),
		one(catalog.NotRunning, "CronJob"),
		one(catalog.NotRunning, "Job", Suspended()),
		one(catalog.CustomWorkload, "Rollout"),
		one(catalog.CustomWorkload, "ScaledJob"),
		one(catalog.CustomWorkload, "Service"),
		one(catalog.CustomWorkload, "Widget"),
		{code: catalog.CustomWorkload, fill: plantBorrowed},
		one(catalog.ImmutableSelector, "Deployment", func(w *catalog.Workload) { w.SelectsBinding = true }),
		one(catalog.BarePod, "Pod"),
		one(catalog.HostNetwork, "DaemonSet", func(w *catalog.Workload) { w.Template.HostNetwork = true }),
		one(catalog.Windows, "Deployment", func(w *catalog.Workload) { w.Template.Windows = true }),
		one(catalog.HardCodedEnvironment, "Deployment", func(w *catalog.Workload) {
			w.Template.Env = []catalog.Env{{Container: "app", Name: workloadid.EnvTenantID, Value: Tenant}}
		}),
		one(catalog.HardCodedEnvironment, "StatefulSet", func(w *catalog.Workload) { w.Template.IMDS = []string{"app: env METADATA_URL"} }),
		one(catalog.GitOpsManaged, "Deployment", func(w *catalog.Workload) { w.Manager = "argocd:shop" }),
	}
}

// plantBorrowed has an Argo Rollout that runs the template of a Deployment at zero.
func plantBorrowed(a *author, c *Cluster, ns string) {
	label := ns + "-web"
	c.Identity(ns, "web", label).Binding(ns, "web-binding", "web", label)
	a.run(c, ns, "web", label, application{edit: []func(*catalog.Workload){Replicas(0)}})
	c.Workload("Rollout", ns, "web", "", func(w *catalog.Workload) {
		w.Template, w.TemplatePath = catalog.PodTemplate{}, ""
		w.Ref = &catalog.Owner{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	})
	a.need(c, catalog.Need{Namespace: ns, ServiceAccount: "web", Identity: identity("web", label), Bindings: []string{"web-binding"},
		Selector: label, Workloads: []catalog.WorkloadRef{ref("Rollout", "web")}})
	a.plant(c, catalog.CustomWorkload, ns, "Rollout", "web")
}

// accountShapes plant what is wrong with service accounts, and with what else uses Pod Identity.
func accountShapes() []shape {
	return []shape{
		{code: catalog.DefaultServiceAccount, fill: func(a *author, c *Cluster, ns string) {
			a.app(c, ns, "web", application{account: "-"})
			a.plant(c, catalog.DefaultServiceAccount, ns, "ServiceAccount", "default")
		}},
		{code: catalog.SharedServiceAccount, fill: func(a *author, c *Cluster, ns string) {
			a.app(c, ns, "one", application{account: "both"})
			a.app(c, ns, "two", application{account: "both"})
			a.plant(c, catalog.SharedServiceAccount, ns, "ServiceAccount", "both")
		}},
		{code: catalog.MissingServiceAccount, fill: func(a *author, c *Cluster, ns string) {
			a.app(c, ns, "web", application{annotated: "-"})
			a.plant(c, catalog.MissingServiceAccount, ns, "ServiceAccount", "web")
		}},
		{code: catalog.ConflictingAnnotation, fill: func(a *author, c *Cluster, ns string) {
			a.app(c, ns, "web", application{annotated: ClientID("someone-else")})
			a.plant(c, catalog.ConflictingAnnotation, ns, "ServiceAccount", "web")
		}},
		{code: catalog.HalfMigrated, fill: func(a *author, c *Cluster, ns string) {
			a.app(c, ns, "web", application{edit: []func(*catalog.Workload){Use()}, state: catalog.StateDual})
			a.plant(c, catalog.HalfMigrated, ns, "Deployment", "web")
		}},
		{code: catalog.HalfMigrated, fill: func(a *author, c *Cluster, ns string) {
			a.app(c, ns, "web", application{annotated: ClientID(ns + "-web")})
			a.plant(c, catalog.HalfMigrated, ns, "Deployment", "web")
			a.clean(c, ns)
		}},
		{code: catalog.HalfMigrated, fill: func(a *author, c *Cluster, ns string) {
			a.run(c, ns, "web", "", application{annotated: ClientID(ns + "-web")})
			a.plant(c, catalog.HalfMigrated, ns, "ServiceAccount", "web")
		}},
		{code: catalog.CSIPodIdentity, fill: func(a *author, c *Cluster, ns string) {
			a.app(c, ns, "web", application{edit: []func(*catalog.Workload){func(w *catalog.Workload) { w.Template.SecretProviderClasses = []string{"vault"} }}})
			c.Edit(func(s *catalog.Snapshot) {
				s.SecretProviderClasses = append(s.SecretProviderClasses, catalog.SecretProviderClass{
					Meta: meta("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass", ns, "vault"), UsePodIdentity: true})
			})
			a.plant(c, catalog.CSIPodIdentity, ns, "SecretProviderClass", "vault")
		}},
		{code: catalog.KEDAPodIdentity, fill: func(a *author, c *Cluster, ns string) {
			c.Namespace(ns).Edit(func(s *catalog.Snapshot) {
				s.TriggerAuthentications = append(s.TriggerAuthentications, catalog.TriggerAuthentication{
					Meta: meta("keda.sh/v1alpha1", "TriggerAuthentication", ns, "queue"), Provider: "azure"})
			})
			a.plant(c, catalog.KEDAPodIdentity, ns, "TriggerAuthentication", "queue")
		}},
		{code: catalog.StaleAssignedIdentity, standard: true, fill: func(a *author, c *Cluster, ns string) {
			a.app(c, ns, "web", application{})
			c.Workload("Pod", ns, "web-0", "web", Label(ns+"-web"), c.OwnedBy("Deployment", "web"))
			c.Assigned(ns, "web-0", "web", "node-0", "Assigned").Assigned(ns, "web-gone", "web", "node-0", "Assigned")
			a.plant(c, catalog.StaleAssignedIdentity, "default", "AzureAssignedIdentity", "web-gone-"+ns+"-web")
			a.clean(c, ns)
		}},
	}
}
