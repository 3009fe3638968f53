package catalog

import (
	"fmt"
	"maps"
	"slices"
)

// rule reads the pod templates of one kind of custom resource.
type rule func(*projection, objectMeta) []workloadView

// customRule is the table of the kinds whose templates lie at known places; nil for any other.
func customRule(group, kind string) rule {
	switch group + "/" + kind {
	case "argoproj.io/Rollout": // https://argo-rollouts.readthedocs.io/en/stable/features/specification/
		return rollout
	case "argoproj.io/Workflow", "argoproj.io/WorkflowTemplate", "argoproj.io/ClusterWorkflowTemplate": // https://argo-workflows.readthedocs.io/en/latest/fields/
		return workflow
	case "argoproj.io/CronWorkflow":
		return cronWorkflow
	case "serving.knative.dev/Service", "serving.knative.dev/Configuration": // https://knative.dev/docs/serving/reference/serving-api/
		return at("spec", "template")
	case "serving.knative.dev/Revision":
		return revision
	case "keda.sh/ScaledJob": // https://keda.sh/docs/latest/reference/scaledjob-spec/
		return at("spec", "jobTargetRef", "template")
	case "tekton.dev/TaskRun": // https://tekton.dev/docs/pipelines/podtemplates/
		return tekton("spec")
	case "tekton.dev/PipelineRun":
		return pipelineRun
	case "sparkoperator.k8s.io/SparkApplication": // https://www.kubeflow.org/docs/components/spark-operator/user-guide/
		return spark("spec")
	case "sparkoperator.k8s.io/ScheduledSparkApplication":
		return spark("spec", "template")
	case "flink.apache.org/FlinkDeployment": // https://nightlies.apache.org/flink/flink-kubernetes-operator-docs-stable/docs/custom-resource/reference/
		return flink
	}
	return nil
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func indexed(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// descend follows keys from the object's top.
func (p *projection) descend(keys ...string) (map[string]any, string) {
	m, path := p.field(keys[0], skipPod), keys[0]
	for _, key := range keys[1:] {
		path += "." + key
		m = p.mapping(m[key], path)
	}
	return m, path
}

// at reads one ordinary pod template.
func at(keys ...string) rule {
	return func(p *projection, _ objectMeta) []workloadView {
		m, path := p.descend(keys...)
		return []workloadView{{pod: p.podTemplate(m, path), path: path}}
	}
}

func rollout(p *projection, _ objectMeta) []workloadView {
	spec, _ := p.descend("spec")
	w := workloadView{path: "spec.template", replicas: p.replicas(spec["replicas"], "spec.replicas"), suspended: p.boolean(spec["paused"], "spec.paused")}
	w.selector = p.matchLabels(spec["selector"])
	if ref := p.mapping(spec["workloadRef"], "spec.workloadRef"); ref != nil {
		w.ref = &Owner{
			APIVersion: p.word(ref["apiVersion"], "spec.workloadRef.apiVersion"),
			Kind:       p.word(ref["kind"], "spec.workloadRef.kind"),
			Name:       p.word(ref["name"], "spec.workloadRef.name"),
		}
		w.path = ""
		return []workloadView{w}
	}
	w.pod = p.podTemplate(spec["template"], w.path)
	return []workloadView{w}
}

// revision of Knative is itself a pod template: its spec is a pod's, its labels go to the pods.
func revision(p *projection, m objectMeta) []workloadView {
	spec, _ := p.descend("spec")
	w := workloadView{pod: p.podSpec(spec, "spec")}
	w.pod.labels, w.pod.annotations = m.labels, m.annotations
	return []workloadView{w}
}

// tekton reads a run whose pods take their labels from the run and their settings from podTemplate.
func tekton(keys ...string) rule {
	return func(p *projection, m objectMeta) []workloadView {
		spec, path := p.descend(keys...)
		return []workloadView{p.tektonPods(spec, path, m)}
	}
}

// pipelineRun has its settings under taskRunTemplate since tekton.dev/v1, and directly in spec before.
func pipelineRun(p *projection, m objectMeta) []workloadView {
	spec, path := p.descend("spec")
	if t, ok := spec["taskRunTemplate"]; ok {
		path += ".taskRunTemplate"
		spec = p.mapping(t, path)
	}
	return []workloadView{p.tektonPods(spec, path, m)}
}

func (p *projection) tektonPods(spec map[string]any, path string, m objectMeta) workloadView {
	w := workloadView{pod: p.podSpec(spec["podTemplate"], path+".podTemplate"), path: path + ".podTemplate"}
	w.pod.serviceAccount = p.word(spec["serviceAccountName"], path+".serviceAccountName")
	w.pod.labels, w.pod.annotations = p.podLabels(anyOf(m.labels), "metadata.labels"), m.annotations
	return w
}

func anyOf(m map[string]string) any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// spark reads driver and executor, which are pod settings of Spark's own spelling.
func spark(keys ...string) rule {
	return func(p *projection, _ objectMeta) []workloadView {
		spec, path := p.descend(keys...)
		var found []workloadView
		for _, role := range []string{"driver", "executor"} {
			if m := p.mapping(spec[role], path+"."+role); m != nil {
				found = append(found, p.sparkPod(m, path+"."+role))
			}
		}
		return found
	}
}

func (p *projection) sparkPod(m map[string]any, path string) workloadView {
	w := workloadView{path: path, pod: p.podSpec(m, path)}
	if t := p.mapping(m["template"], path+".template"); t != nil {
		w.pod = p.podTemplate(t, path+".template")
	}
	w.pod.labels = merged(w.pod.labels, p.podLabels(m["labels"], path+".labels"))
	w.pod.annotations = merged(w.pod.annotations, p.annotations(m["annotations"], path+".annotations"))
	if sa := p.word(m["serviceAccount"], path+".serviceAccount"); sa != "" {
		w.pod.serviceAccount = sa
	}
	env := containerView{name: "spark"}
	for _, k := range sortedKeys(p.mapping(m["envVars"], path+".envVars")) {
		env.env = append(env.env, Env{Container: env.name, Name: k, Value: p.text(m["envVars"].(map[string]any)[k], path+".envVars."+k)})
	}
	w.pod.containers = append(w.pod.containers, env)
	return w
}

// merged returns base with what over has; over wins.
func merged(base, over map[string]string) map[string]string {
	if len(base)+len(over) == 0 {
		return nil
	}
	out := make(map[string]string, len(base)+len(over))
	maps.Copy(out, base)
	maps.Copy(out, over)
	return out
}

// flink reads the common podTemplate and those of the two roles, which are laid over it.
func flink(p *projection, _ objectMeta) []workloadView {
	spec, path := p.descend("spec")
	account := p.word(spec["serviceAccount"], path+".serviceAccount")
	base := p.podTemplate(spec["podTemplate"], path+".podTemplate")
	var found []workloadView
	for _, role := range []string{"jobManager", "taskManager"} {
		m := p.mapping(spec[role], path+"."+role)
		own := p.podTemplate(m["podTemplate"], path+"."+role+".podTemplate")
		w := workloadView{path: path + "." + role + ".podTemplate", pod: own}
		w.pod.labels, w.pod.annotations = merged(base.labels, own.labels), merged(base.annotations, own.annotations)
		w.pod.containers = append(slices.Clone(base.containers), own.containers...)
		w.pod.hostNetwork = base.hostNetwork || own.hostNetwork
		w.pod.secretProviderClasses = append(slices.Clone(base.secretProviderClasses), own.secretProviderClasses...)
		for _, sa := range []string{base.serviceAccount, account} {
			if w.pod.serviceAccount == "" {
				w.pod.serviceAccount = sa
			}
		}
		found = append(found, w)
	}
	return found
}
