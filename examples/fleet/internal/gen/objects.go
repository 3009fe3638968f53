package main

import "maps"

type object = map[string]any

// meta is what the API server adds to every object that it stores.
func (c *cluster) meta(kind, namespace, name string) object {
	m := object{
		"name": name, "uid": guid(c.name + kind + namespace + name),
		"resourceVersion": "18" + digits(c.name+kind+namespace+name), "creationTimestamp": "2023-03-14T09:26:53Z",
	}
	if namespace != "" {
		m["namespace"] = namespace
	}
	return m
}

func digits(of string) string {
	out := make([]byte, 0, 5)
	for _, b := range []byte(guid(of)) {
		if b >= '0' && b <= '9' && len(out) < 5 {
			out = append(out, b)
		}
	}
	return string(out)
}

func (c *cluster) namespace(name string) object {
	return c.add(object{"apiVersion": "v1", "kind": "Namespace", "metadata": c.meta("Namespace", "", name), "status": object{"phase": "Active"}})
}

func (c *cluster) node(name string) object {
	m := c.meta("Node", "", name)
	m["labels"] = object{"kubernetes.io/os": "linux", "kubernetes.io/hostname": name}
	return c.add(object{"apiVersion": "v1", "kind": "Node", "metadata": m})
}

func (c *cluster) serviceAccount(namespace, name string, annotations object) object {
	m := c.meta("ServiceAccount", namespace, name)
	if annotations != nil {
		m["annotations"] = annotations
	}
	return c.add(object{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": m})
}

func (c *cluster) identity(namespace, name, resourceID string) object {
	spec := object{"type": 0, "resourceID": resourceID, "clientID": clientID(resourceID)}
	return c.add(object{"apiVersion": "aadpodidentity.k8s.io/v1", "kind": "AzureIdentity", "metadata": c.meta("AzureIdentity", namespace, name), "spec": spec})
}

func clientID(resourceID string) string { return guid("client " + resourceID) }

func (c *cluster) binding(namespace, name, identity, selector string) object {
	spec := object{"azureIdentity": identity, "selector": selector}
	return c.add(object{"apiVersion": "aadpodidentity.k8s.io/v1", "kind": "AzureIdentityBinding",
		"metadata": c.meta("AzureIdentityBinding", namespace, name), "spec": spec})
}

// template is a pod template with the old label; an empty binding leaves it out.
func template(app, serviceAccount, binding string) object {
	labels := object{"app": app}
	if binding != "" {
		labels["aadpodidbinding"] = binding
	}
	spec := object{"containers": []any{object{
		"name": "app", "image": "contoso.example/" + app + ":1.14.2",
		"resources": object{"requests": object{"cpu": "100m", "memory": "128Mi"}},
	}}, "restartPolicy": "Always", "dnsPolicy": "ClusterFirst"}
	if serviceAccount != "" {
		spec["serviceAccountName"] = serviceAccount
	}
	return object{"metadata": object{"labels": labels}, "spec": spec}
}

func (c *cluster) deployment(namespace, name, serviceAccount, binding string, replicas int) object {
	return c.workload("apps/v1", "Deployment", namespace, name, object{
		"replicas": replicas, "selector": object{"matchLabels": object{"app": name}},
		"template": template(name, serviceAccount, binding),
	})
}

func (c *cluster) cronJob(namespace, name, serviceAccount, binding string) object {
	t := template(name, serviceAccount, binding)
	t["spec"].(object)["restartPolicy"] = "OnFailure"
	return c.workload("batch/v1", "CronJob", namespace, name, object{
		"schedule": "15 2 * * *", "jobTemplate": object{"spec": object{"template": t}},
	})
}

func (c *cluster) workload(apiVersion, kind, namespace, name string, spec object) object {
	return c.add(object{"apiVersion": apiVersion, "kind": kind, "metadata": c.meta(kind, namespace, name), "spec": spec})
}

// nmi is the DaemonSet of Pod Identity itself, in standard mode.
func (c *cluster) nmi() object {
	t := template("nmi", "aad-pod-id-nmi-service-account", "")
	spec := t["spec"].(object)
	maps.Copy(spec, object{"hostNetwork": true})
	spec["containers"].([]any)[0].(object)["args"] = []any{"--node=$(NODE_NAME)", "--http-probe-port=8085", "--operation-mode=standard"}
	spec["containers"].([]any)[0].(object)["image"] = "mcr.microsoft.com/oss/azure/aad-pod-identity/nmi:v1.8.17"
	c.serviceAccount("kube-system", "aad-pod-id-nmi-service-account", nil)
	return c.workload("apps/v1", "DaemonSet", "kube-system", "nmi", object{
		"selector": object{"matchLabels": object{"app": "nmi"}}, "template": t,
	})
}
