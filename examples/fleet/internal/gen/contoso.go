package main

// contoso is the made-up estate: six clusters in each of two regions run the same applications, and each has its own history.
func contoso() []*cluster {
	var all []*cluster
	byName := map[string]*cluster{}
	for _, region := range []string{"eastus", "westeurope"} {
		for n := 1; n <= 6; n++ {
			c := newCluster(region, n)
			c.applications()
			all = append(all, c)
			byName[c.name] = c
		}
	}
	for name, plant := range history {
		plant(byName[name])
	}
	return all
}

// applications are what every cluster was meant to run.
func (c *cluster) applications() {
	c.namespace("payments")
	for _, app := range []string{"api", "worker"} {
		c.bound("payments", app, "payments-"+app)
		c.deployment("payments", app, app, "payments-"+app, 3)
	}

	c.namespace("orders")
	c.bound("orders", "api", "orders-api")
	o := c.deployment("orders", "api", "api", "orders-api", 4)
	o["metadata"].(object)["labels"] = object{"kustomize.toolkit.fluxcd.io/name": "orders", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
	c.bound("orders", "ledger", "orders-ledger")
	c.workload("apps/v1", "StatefulSet", "orders", "ledger", object{
		"replicas": 3, "serviceName": "ledger", "selector": object{"matchLabels": object{"app": "ledger"}},
		"template": template("ledger", "ledger", "orders-ledger"),
	})

	c.namespace("reporting")
	c.bound("reporting", "nightly", "reporting")
	c.cronJob("reporting", "nightly", "nightly", "reporting")

	// One identity for both regions and two service accounts of every cluster: 24 federated credentials, four more than Azure takes.
	c.namespace("observability")
	c.identity("observability", "telemetry", identityID("eastus", "id-telemetry"))
	c.binding("observability", "telemetry", "telemetry", "telemetry")
	for _, name := range []string{"agent", "collector"} {
		c.serviceAccount("observability", name, nil)
	}
	c.deployment("observability", "collector", "collector", "telemetry", 2)
	c.workload("apps/v1", "DaemonSet", "observability", "agent", object{
		"selector": object{"matchLabels": object{"app": "agent"}}, "template": template("agent", "agent", "telemetry"),
	})

	c.namespace("frontend")
	c.serviceAccount("frontend", "web", nil)
	c.deployment("frontend", "web", "web", "", 6)
}

// bound adds a service account with an identity of the cluster's region and the binding that leads to it.
func (c *cluster) bound(namespace, serviceAccount, binding string) {
	c.serviceAccount(namespace, serviceAccount, nil)
	c.identity(namespace, binding, c.identityID("id-"+binding))
	c.binding(namespace, binding, binding, binding)
}
