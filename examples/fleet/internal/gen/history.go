package main

// history is the long tail: what each cluster has collected over the years, by cluster.
var history = map[string]func(*cluster){
	"aks-eastus-01": func(c *cluster) {
		c.namespace("checkout")
		c.bound("checkout", "web", "checkout")
		c.workload("argoproj.io/v1alpha1", "Rollout", "checkout", "web", object{
			"replicas": 5, "selector": object{"matchLabels": object{"app": "web"}},
			"strategy": object{"canary": object{"steps": []any{object{"setWeight": 20}, object{"pause": object{}}}}},
			"template": template("web", "web", "checkout"),
		})
		// A node that autoscaling took away; its assignment was left behind.
		c.assigned("worker-6d8f7c9b5d-x2x7q", "payments", "payments-worker", "aks-spot-31337-vmss00000k")
		c.add(object{"apiVersion": "aadpodidentity.k8s.io/v1", "kind": "AzurePodIdentityException",
			"metadata": c.meta("AzurePodIdentityException", "frontend", "web"),
			"spec":     object{"podLabels": object{"app": "web"}}})
	},
	"aks-eastus-02": func(c *cluster) {
		c.namespace("search")
		c.bound("search", "indexer", "search")
		c.deployment("search", "indexer", "indexer", "search", 0)
		c.identity("search", "reindex", c.identityID("id-reindex"))
		c.binding("search", "reindex", "reindex", "reindex")
		c.deployment("search", "reindex", "reindex", "reindex", 1) // its service account was deleted
	},
	"aks-eastus-03": func(c *cluster) {
		c.binding("payments", "incident-2231", "payments-worker", "incident-2231")
		c.namespace("debug")
		c.bound("debug", "debug", "debug")
		pod := template("debug", "debug", "debug")
		m := c.meta("Pod", "debug", "debug")
		m["labels"] = pod["metadata"].(object)["labels"]
		spec := pod["spec"].(object)
		spec["nodeName"] = "aks-system-" + short(c.name) + "-vmss000001"
		c.add(object{"apiVersion": "v1", "kind": "Pod", "metadata": m, "spec": spec, "status": object{"phase": "Running"}})
	},
	"aks-eastus-04": func(c *cluster) {
		c.namespace("billing")
		c.bound("billing", "invoices", "billing-invoices")
		c.deployment("billing", "invoices", "invoices", "billing-invoice", 2) // one letter short
		d := c.deployment("billing", "export", "invoices", "billing-invoices", 1)
		d["spec"].(object)["selector"] = object{"matchLabels": object{"app": "export", "aadpodidbinding": "billing-invoices"}}
	},
	"aks-eastus-05": func(c *cluster) {
		for _, o := range c.objects["azureidentities"] { // hot-fixed during an incident, never mirrored
			if o["metadata"].(object)["name"] == "payments-worker" {
				id := c.identityID("id-payments-worker-hotfix")
				o["spec"] = object{"type": 0, "resourceID": id, "clientID": clientID(id)}
			}
		}
		c.identity("orders", "orders-api-old", c.identityID("id-orders-api"))
	},
	"aks-eastus-06": func(c *cluster) {
		c.namespace("legacy")
		c.serviceAccount("legacy", "app", nil)
		for _, app := range []string{"import", "export"} {
			c.identity("legacy", app, c.identityID("id-legacy-"+app))
			c.binding("legacy", app, app, app)
			d := c.deployment("legacy", app, "app", app, 1)
			spec := d["spec"].(object)["template"].(object)["spec"].(object)
			if app == "import" {
				spec["hostNetwork"] = true
			} else {
				spec["nodeSelector"] = object{"kubernetes.io/os": "windows"}
			}
		}
	},
	"aks-westeurope-01": func(c *cluster) {
		c.namespace("crm")
		c.serviceAccount("crm", "sync", nil)
		c.add(object{"apiVersion": "aadpodidentity.k8s.io/v1", "kind": "AzureIdentity", "metadata": c.meta("AzureIdentity", "crm", "crm"), "spec": object{
			"type": 1, "clientID": guid("crm app"), "tenantID": tenant, "clientPassword": object{"name": "crm-secret", "namespace": "crm"}}})
		c.binding("crm", "crm", "crm", "crm")
		c.deployment("crm", "sync", "sync", "crm", 1)
		c.binding("crm", "mail", "crm-mail", "crm-mail") // the identity was renamed
		c.deployment("crm", "mail", "sync", "crm-mail", 1)
	},
	"aks-westeurope-02": func(c *cluster) {
		c.namespace("ml")
		c.serviceAccount("ml", "trainer", object{"azure.workload.identity/client-id": guid("somebody else's")})
		c.identity("ml", "trainer", c.identityID("id-ml-trainer"))
		c.binding("ml", "trainer", "trainer", "trainer")
		c.workload("ml.contoso.example/v1", "TrainingRun", "ml", "churn", object{"worker": object{"template": template("churn", "trainer", "trainer")}})
		c.workload("keda.sh/v1alpha1", "TriggerAuthentication", "ml", "queue", object{"podIdentity": object{"provider": "azure"}})
	},
	"aks-westeurope-03": func(c *cluster) {
		c.namespace("files")
		c.serviceAccount("files", "gateway", nil)
		for _, id := range []string{"files-read", "files-write"} {
			c.identity("files", id, c.identityID("id-"+id))
			c.binding("files", id, id, "files")
		}
		c.deployment("files", "gateway", "gateway", "files", 2)
		c.add(object{"apiVersion": "aadpodidentity.k8s.io/v1", "kind": "AzureIdentity", "metadata": c.meta("AzureIdentity", "files", "files-archive"),
			"spec": object{"type": "zero", "resourceID": c.identityID("id-files-archive")}})
	},
	"aks-westeurope-04": func(c *cluster) {
		c.namespace("tools")
		c.identity("tools", "tools", c.identityID("id-tools"))
		c.binding("tools", "tools", "tools", "tools")
		c.deployment("tools", "backup", "", "tools", 1)
		// Somebody began to migrate and was called away.
		c.bound("tools", "janitor", "janitor")
		d := c.deployment("tools", "janitor", "janitor", "janitor", 1)
		d["spec"].(object)["template"].(object)["metadata"].(object)["labels"].(object)["azure.workload.identity/use"] = "true"
	},
	"aks-westeurope-05": func(c *cluster) {
		c.namespace("vault")
		c.bound("vault", "agent", "vault-agent")
		d := c.deployment("vault", "agent", "agent", "vault-agent", 2)
		spec := d["spec"].(object)["template"].(object)["spec"].(object)
		spec["containers"].([]any)[0].(object)["env"] = []any{object{"name": "AZURE_CLIENT_ID", "value": guid("pasted in 2021")}}
		spec["volumes"] = []any{object{"name": "secrets", "csi": object{"driver": "secrets-store.csi.k8s.io", "readOnly": true,
			"volumeAttributes": object{"secretProviderClass": "vault"}}}}
		c.workload("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass", "vault", "vault", object{"provider": "azure",
			"parameters": object{"usePodIdentity": "true", "keyvaultName": "kv-contoso", "tenantId": tenant}})
	},
	"aks-westeurope-06": func(c *cluster) {
		drop := func(file, name string) { // orders was restored from a backup without its newest binding
			kept := c.objects[file][:0]
			for _, o := range c.objects[file] {
				if o["metadata"].(object)["name"] != name {
					kept = append(kept, o)
				}
			}
			c.objects[file] = kept
		}
		drop("azureidentitybindings", "orders-ledger")
		drop("statefulsets", "ledger")
		// A binding of one namespace that pods of another use.
		c.namespace("shared")
		c.namespace("batch")
		c.identity("shared", "queue", c.identityID("id-queue"))
		c.binding("shared", "queue", "queue", "queue")
		c.serviceAccount("batch", "runner", nil)
		c.deployment("batch", "runner", "runner", "queue", 1)
		// Two pods whose assignments get one name: <pod>-<namespace>-<identity>.
		for _, of := range [][2]string{{"web", "blue-api"}, {"web-blue", "api"}} {
			c.namespace(of[1])
			c.bound(of[1], "web", "front")
			m := c.meta("Pod", of[1], of[0])
			pod := template("web", "web", "front")
			m["labels"] = pod["metadata"].(object)["labels"]
			pod["spec"].(object)["nodeName"] = "aks-system-" + short(c.name) + "-vmss000000"
			c.add(object{"apiVersion": "v1", "kind": "Pod", "metadata": m, "spec": pod["spec"], "status": object{"phase": "Running"}})
		}
	},
}

// assigned is an AzureAssignedIdentity as MIC writes it.
func (c *cluster) assigned(pod, namespace, identity, node string) {
	m := c.meta("AzureAssignedIdentity", "default", pod+"-"+namespace+"-"+identity)
	m["labels"] = object{"nodename": node}
	m["finalizers"] = []any{"azureassignedidentity.finalizers.aadpodidentity.k8s.io"}
	embedded := func(kind string) object {
		return object{"metadata": object{"name": identity, "namespace": namespace}, "kind": kind}
	}
	c.add(object{"apiVersion": "aadpodidentity.k8s.io/v1", "kind": "AzureAssignedIdentity", "metadata": m,
		"spec": object{"pod": pod, "podNamespace": namespace, "nodename": node,
			"azureIdentityRef": embedded("AzureIdentity"), "azureBindingRef": embedded("AzureIdentityBinding")},
		"status": object{"status": "Assigned"}})
}
