package catalogtest

import (
	"github.com/wimigrate/wimigrate/catalog"
)

// pathShapes plant what is wrong on the way from a label to an identity.
func pathShapes() []shape {
	return []shape{
		{code: catalog.OrphanBinding, fill: func(a *author, c *Cluster, ns string) {
			a.app(c, ns, "web", application{})
			c.Identity(ns, "old", ns+"-old").Binding(ns, "old-binding", "old", ns+"-old")
			a.plant(c, catalog.OrphanBinding, ns, "AzureIdentityBinding", "old-binding")
		}},
		{code: catalog.DanglingIdentity, fill: func(a *author, c *Cluster, ns string) {
			c.Binding(ns, "web-binding", "wbe", ns+"-web").Identity(ns, "web", ns+"-web")
			a.run(c, ns, "web", ns+"-web", application{})
			a.plant(c, catalog.DanglingIdentity, ns, "AzureIdentityBinding", "web-binding")
		}},
		{code: catalog.LabelWithoutBinding, fill: func(a *author, c *Cluster, ns string) {
			a.app(c, ns, "web", application{})
			a.run(c, ns, "typo", ns+"-wbe", application{})
			a.plant(c, catalog.LabelWithoutBinding, ns, "Deployment", "typo")
		}},
		{code: catalog.DuplicateIdentity, fill: func(a *author, c *Cluster, ns string) {
			a.app(c, ns, "one", application{azure: ns + "-same"})
			a.app(c, ns, "two", application{azure: ns + "-same"})
			a.plant(c, catalog.DuplicateIdentity, ns, "AzureIdentity", "one")
			a.plant(c, catalog.DuplicateIdentity, ns, "AzureIdentity", "two")
			a.clean(c, ns)
		}},
		{code: catalog.ManyIdentities, fill: plantMany},
		{code: catalog.CrossNamespaceBinding, standard: true, fill: plantAcross},
		{code: catalog.AssignedNameCollision, standard: true, fill: plantCollision},
		{code: catalog.ServicePrincipal, fill: plantPrincipal},
		{code: catalog.PodIdentityException, fill: func(a *author, c *Cluster, ns string) {
			c.Identity(ns, "web", ns+"-web").Binding(ns, "web-binding", "web", ns+"-web").Exception(ns, "let-through", "app", "WEB")
			a.run(c, ns, "web", ns+"-web", application{})
			a.plant(c, catalog.PodIdentityException, ns, "Deployment", "web")
			a.clean(c, ns)
		}},
		{code: catalog.MalformedObject, fill: func(a *author, c *Cluster, ns string) {
			a.app(c, ns, "web", application{})
			c.Edit(func(s *catalog.Snapshot) {
				s.Identities[len(s.Identities)-1].MisCased = []string{"ClientID", "ResourceID"}
			})
			a.plant(c, catalog.MalformedObject, ns, "AzureIdentity", "web")
			a.clean(c, ns)
		}},
	}
}

func plantMany(a *author, c *Cluster, ns string) {
	a.app(c, ns, "web", application{})
	c.Identity(ns, "second", ns+"-second").Binding(ns, "second-binding", "second", ns+"-web")
	a.need(c, catalog.Need{Namespace: ns, ServiceAccount: "web", Identity: identity("second", ns+"-second"), Bindings: []string{"second-binding"},
		Selector: ns + "-web", Workloads: []catalog.WorkloadRef{ref("", "web")}})
	a.plant(c, catalog.ManyIdentities, ns, "Deployment", "web")
}

// plantAcross has the binding in a namespace beside that of the pods.
func plantAcross(a *author, c *Cluster, ns string) {
	home := ns + "-home"
	c.Identity(home, "web", ns+"-web").Binding(home, "web-binding", "web", ns+"-web")
	a.run(c, ns, "web", ns+"-web", application{})
	a.need(c, catalog.Need{Namespace: ns, ServiceAccount: "web", Identity: identity("web", ns+"-web"), Bindings: []string{home + "/web-binding"},
		Selector: ns + "-web", Workloads: []catalog.WorkloadRef{ref("", "web")}})
	a.plant(c, catalog.CrossNamespaceBinding, ns, "Deployment", "web")
	a.clean(c, home)
}

// plantCollision has an identity of one name in two namespaces behind one label.
func plantCollision(a *author, c *Cluster, ns string) {
	home := ns + "-twin"
	a.app(c, ns, "web", application{})
	c.Identity(home, "web", home+"-web").Binding(home, "web-binding", "web", ns+"-web")
	a.need(c, catalog.Need{Namespace: ns, ServiceAccount: "web", Identity: identity("web", home+"-web"), Bindings: []string{home + "/web-binding"},
		Selector: ns + "-web", Workloads: []catalog.WorkloadRef{ref("", "web")}})
	a.plant(c, catalog.AssignedNameCollision, ns, "Deployment", "web")
	a.plant(c, catalog.ManyIdentities, ns, "Deployment", "web")
}

func plantPrincipal(a *author, c *Cluster, ns string) {
	kind := 1 + a.rng.IntN(2)
	c.Identity(ns, "web", ns+"-web", func(id *catalog.AzureIdentity) { id.Type, id.ResourceID, id.TenantID = kind, "", Tenant })
	c.Binding(ns, "web-binding", "web", ns+"-web")
	a.run(c, ns, "web", ns+"-web", application{})
	id := catalog.Identity{Kind: catalog.Application, Name: "web", ClientID: ClientID(ns + "-web"), TenantID: Tenant}
	a.need(c, catalog.Need{Namespace: ns, ServiceAccount: "web", Identity: id, Bindings: []string{"web-binding"}, Selector: ns + "-web",
		Workloads: []catalog.WorkloadRef{ref("", "web")}})
	a.plant(c, catalog.ServicePrincipal, ns, "AzureIdentity", "web")
}
