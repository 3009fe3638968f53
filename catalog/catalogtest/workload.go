package catalogtest

import (
	"maps"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// kinds says of each kind that can be built its apiVersion and where its template lies.
func kinds(kind string) (apiVersion, path string) {
	switch kind {
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet":
		return "apps/v1", "spec.template"
	case "Job":
		return "batch/v1", "spec.template"
	case "CronJob":
		return "batch/v1", "spec.jobTemplate.spec.template"
	case "Pod":
		return "v1", ""
	case "ReplicationController":
		return "v1", "spec.template"
	case "Rollout":
		return "argoproj.io/v1alpha1", "spec.template"
	case "Service":
		return "serving.knative.dev/v1", "spec.template"
	case "ScaledJob":
		return "keda.sh/v1alpha1", "spec.jobTargetRef.template"
	}
	return "example.com/v1", "spec.template"
}

// Workload adds a workload of a kind: one of Kubernetes' own, Rollout, Service (Knative's), ScaledJob, or any other word for a custom
// resource of example.com/v1 with a spec.template. An empty account leaves the pods with the namespace's default.
func (c *Cluster) Workload(kind, namespace, name, account string, edit ...func(*catalog.Workload)) *Cluster {
	c.Namespace(namespace)
	apiVersion, path := kinds(kind)
	w := catalog.Workload{Meta: meta(apiVersion, kind, namespace, name), TemplatePath: path}
	w.UID = GUID("uid/" + c.snap.Cluster.Name + "/" + kind + "/" + namespace + "/" + name)
	w.Heuristic = apiVersion == "example.com/v1"
	w.Template = catalog.PodTemplate{ServiceAccount: account, Labels: map[string]string{"app": name}}
	switch kind {
	case "Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Rollout":
		w.Replicas = new(int32(2))
	case "Pod":
		w.Phase, w.NodeName = "Running", "node-0"
	}
	for _, f := range edit {
		f(&w)
	}
	c.snap.Workloads = append(c.snap.Workloads, w)
	return c
}

// Label sets the aadpodidbinding label on the template.
func Label(value string) func(*catalog.Workload) { return setLabel(podidentity.Label, value) }

// Use sets the Workload Identity label on the template to "true".
func Use() func(*catalog.Workload) { return setLabel(workloadid.UseLabel, workloadid.UseValue) }

// Replicas scales a workload.
func Replicas(n int32) func(*catalog.Workload) {
	return func(w *catalog.Workload) { w.Replicas = &n }
}

// Suspended suspends a workload.
func Suspended() func(*catalog.Workload) {
	return func(w *catalog.Workload) { w.Suspended = true }
}

// Strategy names the update strategy of a workload.
func Strategy(name string) func(*catalog.Workload) {
	return func(w *catalog.Workload) { w.Strategy = name }
}

// OwnedBy makes the workload the child of another, with the UID that the builder of the same cluster gave it.
func (c *Cluster) OwnedBy(kind, name string) func(*catalog.Workload) {
	return func(w *catalog.Workload) {
		apiVersion, _ := kinds(kind)
		uid := GUID("uid/" + c.snap.Cluster.Name + "/" + kind + "/" + w.Namespace + "/" + name)
		w.Owner = &catalog.Owner{APIVersion: apiVersion, Kind: kind, Name: name, UID: uid}
	}
}

func setLabel(key, value string) func(*catalog.Workload) {
	return func(w *catalog.Workload) {
		w.Template.Labels = maps.Clone(w.Template.Labels)
		w.Template.Labels[key] = value
	}
}
