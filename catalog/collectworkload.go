package catalog

import "github.com/wimigrate/wimigrate/internal/podidentity"

// workloadView is an object with a pod template, or a pod, before it is decided whether it matters.
type workloadView struct {
	objectMeta
	pod podView
	// path is where the template lies.
	path      string
	selector  map[string]string // spec.selector's exact labels
	replicas  *int32
	suspended bool
	strategy  string // of the update
	heuristic bool
	ref       *Owner
	phase     string
	node      string
}

// workload adds a workload, lets it wait, or drops it.
func (c *collector) workload(w *workloadView) {
	if component, ok := w.pod.componentOf(); ok && w.Kind != "Pod" && w.Kind != "ReplicaSet" {
		component.Meta = c.internMeta(w.Meta)
		c.snap.Components = append(c.snap.Components, component)
	}
	_, selects := w.selector[podidentity.Label]
	matters := labelled(w.pod.labels) || selects
	if !matters && (w.heuristic || w.Kind == "Pod" && templated(w.Owner)) {
		return
	}
	fact := Workload{
		Meta: c.internMeta(w.Meta), Template: c.internTemplate(w.pod.template()), TemplatePath: c.intern(w.path), Heuristic: w.heuristic,
		SelectsBinding: selects, Replicas: w.replicas, Suspended: w.suspended, Strategy: notRolling(w.strategy),
		Ref: w.ref, Phase: c.intern(w.phase), NodeName: c.intern(w.node),
	}
	if matters {
		c.snap.Workloads = append(c.snap.Workloads, fact)
		return
	}
	c.waiting = append(c.waiting, fact)
}

// notRolling is an update strategy that is not the default of every kind, which an API server writes and a repository need not.
func notRolling(strategy string) string {
	if strategy == "RollingUpdate" {
		return ""
	}
	return strategy
}

// templated reports whether the owner of a pod is of a kind whose template is read, so that an unlabelled pod adds nothing to it.
func templated(o *Owner) bool {
	if o == nil {
		return false
	}
	switch groupOf(o.APIVersion) + "/" + o.Kind {
	case "apps/ReplicaSet", "apps/StatefulSet", "apps/DaemonSet", "apps/Deployment", "extensions/ReplicaSet", "batch/Job",
		"/ReplicationController", "/Node": // a Node owns mirror pods
		return true
	}
	return false
}

func (c *collector) internTemplate(t PodTemplate) PodTemplate {
	t.Labels, t.Annotations = c.internMap(t.Labels), c.internMap(t.Annotations)
	t.ServiceAccount = c.intern(t.ServiceAccount)
	for i, e := range t.Env {
		t.Env[i] = Env{Container: c.intern(e.Container), Name: c.intern(e.Name), Value: c.intern(e.Value)}
	}
	for i, s := range t.SecretProviderClasses {
		t.SecretProviderClasses[i] = c.intern(s)
	}
	return t
}
