package catalogtest

import (
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// workloadObject writes a workload with its template where its kind has it.
func workloadObject(w catalog.Workload) any {
	apiVersion, path := kinds(w.Kind)
	o := object(w.Meta, apiVersion, w.Kind)
	if w.Kind == "Pod" {
		o["metadata"].(fields)["labels"] = w.Template.Labels
		spec := podSpec(w.Template)
		if w.NodeName != "" {
			spec["nodeName"] = w.NodeName
		}
		o["spec"] = spec
		o["status"] = fields{"phase": w.Phase}
		return o
	}
	spec := fields{}
	o["spec"] = spec
	if w.Ref != nil {
		spec["workloadRef"] = fields{"apiVersion": w.Ref.APIVersion, "kind": w.Ref.Kind, "name": w.Ref.Name}
	} else {
		nest(o, path, fields{"metadata": fields{"labels": w.Template.Labels}, "spec": podSpec(w.Template)})
	}
	writeSelector(spec, w)
	if w.Replicas != nil {
		spec["replicas"] = *w.Replicas
	}
	if w.Strategy != "" {
		key := "updateStrategy"
		if w.Kind == "Deployment" {
			key = "strategy"
		}
		spec[key] = fields{"type": w.Strategy}
	}
	if w.Suspended {
		switch w.Kind {
		case "Job", "CronJob":
			spec["suspend"] = true
		default:
			spec["paused"] = true
		}
	}
	return o
}

func writeSelector(spec fields, w catalog.Workload) {
	labels := map[string]string{"app": w.Template.Labels["app"]}
	if w.SelectsBinding {
		labels[podidentity.Label] = w.Template.Labels[podidentity.Label]
	}
	switch w.Kind {
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout":
		spec["selector"] = fields{"matchLabels": labels}
	case "ReplicationController":
		spec["selector"] = labels
	}
}

// nest puts a value at a dotted path.
func nest(o fields, path string, value any) {
	keys := strings.Split(path, ".")
	for _, k := range keys[:len(keys)-1] {
		next, ok := o[k].(fields)
		if !ok {
			next = fields{}
			o[k] = next
		}
		o = next
	}
	o[keys[len(keys)-1]] = value
}

func podSpec(t catalog.PodTemplate) fields {
	env := []any{}
	for _, e := range t.Env {
		env = append(env, fields{"name": e.Name, "value": e.Value})
	}
	for range t.IMDS {
		env = append(env, fields{"name": "METADATA_URL", "value": "http://169.254.169.254/metadata/identity/oauth2/token"})
	}
	container := fields{"name": "app", "image": "registry.example/app:1"}
	if len(env) > 0 {
		container["env"] = env
	}
	spec := fields{"containers": []any{container}}
	if t.ServiceAccount != "" {
		spec["serviceAccountName"] = t.ServiceAccount
	}
	if t.HostNetwork {
		spec["hostNetwork"] = true
	}
	if t.Windows {
		spec["nodeSelector"] = fields{"kubernetes.io/os": "windows"}
	}
	var volumes []any
	for _, class := range t.SecretProviderClasses {
		volumes = append(volumes, fields{"name": class, "csi": fields{"driver": "secrets-store.csi.k8s.io", "readOnly": true,
			"volumeAttributes": fields{"secretProviderClass": class}}})
	}
	if len(volumes) > 0 {
		spec["volumes"] = volumes
	}
	return spec
}

// componentObject writes NMI as a DaemonSet and MIC as a Deployment, with the flags that tell the mode.
func componentObject(c catalog.Component) any {
	kind := "DaemonSet"
	if c.Role == "mic" {
		kind = "Deployment"
	}
	args := []any{"--kubeconfig=/etc/kubernetes/kubeconfig"}
	if c.Managed {
		args = append(args, "--operation-mode=managed")
	}
	if c.ForceNamespaced {
		args = append(args, "--forceNamespaced=true")
	}
	o := object(c.Meta, "apps/v1", kind)
	labels := fields{"app.kubernetes.io/component": c.Role}
	o["spec"] = fields{"selector": fields{"matchLabels": labels}, "template": fields{
		"metadata": fields{"labels": labels},
		"spec": fields{"serviceAccountName": "aad-pod-id-" + c.Role + "-service-account", "containers": []any{fields{
			"name": c.Role, "image": "mcr.microsoft.com/oss/azure/aad-pod-identity/" + c.Role + ":v1.8.17", "args": args}}},
	}}
	return o
}
