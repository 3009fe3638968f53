package cutovertest

import (
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// workloadObject is the workload of an application as somebody applied it.
func workloadObject(a App) map[string]any {
	meta := map[string]any{"name": a.Name, "namespace": a.Namespace}
	for k, v := range a.Annotations {
		child(meta, "annotations")[k] = v
	}
	for k, v := range a.Labels {
		child(meta, "labels")[k] = v
	}
	labels := map[string]any{"app": a.Name, podidentity.Label: a.Identity}
	template := map[string]any{
		"metadata": map[string]any{"labels": labels},
		"spec": map[string]any{
			"serviceAccountName": a.ServiceAccount,
			"containers":         []any{map[string]any{"name": "app", "image": "registry.example/" + a.Name + ":1"}},
		},
	}
	spec := map[string]any{"template": template}
	switch a.Kind {
	case "CronJob":
		child(template, "spec")["restartPolicy"] = "Never"
		spec = map[string]any{"schedule": a.Schedule, "jobTemplate": map[string]any{"spec": map[string]any{"template": template}}}
	case "Job":
		child(template, "spec")["restartPolicy"] = "Never"
	case "ScaledJob":
		child(template, "spec")["restartPolicy"] = "Never"
		spec = map[string]any{"jobTargetRef": map[string]any{"template": template}}
	case "Service", "Crew":
	case "DaemonSet":
		spec["selector"] = map[string]any{"matchLabels": map[string]any{"app": a.Name}}
		rollDaemonSet(a, spec)
	case "StatefulSet":
		spec["selector"] = map[string]any{"matchLabels": map[string]any{"app": a.Name}}
		spec["replicas"], spec["serviceName"] = int64(a.Replicas), a.Name
		spec["updateStrategy"] = map[string]any{"type": "RollingUpdate", "rollingUpdate": map[string]any{"partition": int64(0)}}
		if a.OnDelete {
			spec["updateStrategy"] = map[string]any{"type": "OnDelete"}
		}
	default:
		spec["selector"] = map[string]any{"matchLabels": map[string]any{"app": a.Name}}
		spec["replicas"] = int64(a.Replicas)
		rollDeployment(a, spec)
	}
	if a.Kind == "Rollout" {
		rollRollout(a, spec)
	}
	if a.Borrows != "" {
		delete(spec, "template")
		delete(spec, "selector")
		spec["workloadRef"] = map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": a.Borrows}
	}
	return map[string]any{"apiVersion": apiVersionOf(a.Kind), "kind": a.Kind, "metadata": meta, "spec": spec}
}

func rollDeployment(a App, spec map[string]any) {
	if a.Recreate {
		spec["strategy"] = map[string]any{"type": "Recreate"}
		return
	}
	rolling := map[string]any{"maxSurge": "25%", "maxUnavailable": "25%"}
	if a.Surge != nil {
		rolling["maxSurge"] = number(a.Surge)
	}
	if a.Unavailable != nil {
		rolling["maxUnavailable"] = number(a.Unavailable)
	}
	spec["strategy"] = map[string]any{"type": "RollingUpdate", "rollingUpdate": rolling}
	if a.Paused {
		spec["paused"] = true
	}
}

// rollRollout makes the strategy one of Argo Rollouts, which knows no rollingUpdate.
func rollRollout(a App, spec map[string]any) {
	canary := child(spec, "strategy")["rollingUpdate"].(map[string]any)
	if len(a.Steps) > 0 {
		canary["steps"] = deepCopy(map[string]any{"steps": a.Steps})["steps"]
	}
	spec["strategy"] = map[string]any{"canary": canary}
}

func rollDaemonSet(a App, spec map[string]any) {
	rolling := map[string]any{"maxUnavailable": int64(1), "maxSurge": int64(0)}
	if a.Surge != nil {
		rolling["maxSurge"] = number(a.Surge)
	}
	if a.Unavailable != nil {
		rolling["maxUnavailable"] = number(a.Unavailable)
	}
	spec["updateStrategy"] = map[string]any{"type": "RollingUpdate", "rollingUpdate": rolling}
	if a.OnDelete {
		spec["updateStrategy"] = map[string]any{"type": "OnDelete"}
	}
}

// number makes an int what JSON would: objects hold int64.
func number(v any) any {
	if n, ok := v.(int); ok {
		return int64(n)
	}
	return v
}
