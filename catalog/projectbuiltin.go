package catalog

// builtIn reads the kinds of apps, batch and core that hold pod templates.
func (p *projection) builtIn() {
	switch p.object.Kind {
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob":
	default:
		return
	}
	m, ok := p.meta()
	if !ok {
		return
	}
	w := workloadView{objectMeta: m, path: "spec.template"}
	spec := p.spec(func(key string) bool { return skipPod(key) && key != "strategy" && key != "updateStrategy" })
	switch p.object.Kind {
	case "CronJob":
		w.path = "spec.jobTemplate.spec.template"
		w.suspended = p.boolean(spec["suspend"], "spec.suspend")
		job := p.mapping(spec["jobTemplate"], "spec.jobTemplate")
		job = p.mapping(job["spec"], "spec.jobTemplate.spec")
		w.pod = p.podTemplate(job["template"], w.path)
	case "Job":
		w.suspended = p.boolean(spec["suspend"], "spec.suspend")
		w.pod = p.podTemplate(spec["template"], w.path)
		w.selector = p.matchLabels(spec["selector"])
	case "ReplicationController":
		w.pod = p.podTemplate(spec["template"], w.path)
		w.selector = p.words(spec["selector"], "spec.selector")
		w.replicas = p.replicas(spec["replicas"], "spec.replicas")
	default:
		w.suspended = p.boolean(spec["paused"], "spec.paused")
		w.pod = p.podTemplate(spec["template"], w.path)
		w.selector = p.matchLabels(spec["selector"])
		for _, key := range []string{"strategy", "updateStrategy"} { // of a Deployment; of a StatefulSet or a DaemonSet
			if s := p.mapping(spec[key], "spec."+key); s != nil {
				w.strategy = p.word(s["type"], "spec."+key+".type")
			}
		}
		if p.object.Kind != "DaemonSet" {
			w.replicas = p.replicas(spec["replicas"], "spec.replicas")
		}
	}
	if p.fits(m) {
		p.workload(&w)
	}
}

// matchLabels returns the exact labels of a label selector, and as keys without value those that its expressions name.
func (d *decoder) matchLabels(v any) map[string]string {
	m := d.mapping(v, "spec.selector")
	labels := d.words(m["matchLabels"], "spec.selector.matchLabels")
	for _, e := range d.list(m["matchExpressions"], "spec.selector.matchExpressions") {
		key := d.word(d.mapping(e, "spec.selector.matchExpressions")["key"], "spec.selector.matchExpressions.key")
		if labels == nil {
			labels = map[string]string{}
		}
		if _, have := labels[key]; !have {
			labels[key] = ""
		}
	}
	return labels
}

// replicas returns the number wanted; absent means 1 wherever Kubernetes has replicas.
func (d *decoder) replicas(v any, path string) *int32 {
	n, ok := d.integer(v, path)
	if !ok {
		n = 1
	}
	if n < 0 || n > 1<<30 {
		d.fail(path, "%d is no number of replicas", n)
	}
	r := int32(n)
	return &r
}
