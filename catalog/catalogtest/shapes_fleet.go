package catalogtest

import "github.com/wimigrate/wimigrate/catalog"

// fleetShapes plant where one cluster differs from the others.
func fleetShapes() []shape {
	return []shape{
		{code: catalog.IdentityDrift, everywhere: true, fill: func(a *author, odd *Cluster, ns string) {
			a.each(func(c *Cluster) {
				azure := ns + "-web-" + c.snap.Cluster.Region
				if c == odd {
					azure = ns + "-web-hotfix"
					a.plant(c, catalog.IdentityDrift, ns, "AzureIdentityBinding", "web-binding")
				} else {
					a.clean(c, ns)
				}
				a.app(c, ns, "web", application{azure: azure})
			})
		}},
		{code: catalog.BindingMissing, everywhere: true, fill: func(a *author, odd *Cluster, ns string) {
			a.each(func(c *Cluster) {
				if c == odd {
					a.run(c, ns, "web", ns+"-web", application{})
					a.plant(c, catalog.BindingMissing, ns, "AzureIdentityBinding", "web-binding")
					a.plant(c, catalog.LabelWithoutBinding, ns, "Deployment", "web")
					return
				}
				a.app(c, ns, "web", application{})
				a.clean(c, ns)
			})
		}},
	}
}
