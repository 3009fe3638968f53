package catalog

// workflow reads an Argo Workflow or a template of one.
func workflow(p *projection, _ objectMeta) []workloadView {
	spec, path := p.descend("spec")
	return p.workflowPods(spec, path)
}

func cronWorkflow(p *projection, _ objectMeta) []workloadView {
	outer, _ := p.descend("spec")
	found := p.workflowPods(p.mapping(outer["workflowSpec"], "spec.workflowSpec"), "spec.workflowSpec")
	for i := range found {
		found[i].suspended = p.boolean(outer["suspend"], "spec.suspend")
	}
	return found
}

// workflowPods reads the settings for all pods of a workflow, and those of each of its templates, which are laid over them. One that
// sets nothing of its own is represented by the first.
func (p *projection) workflowPods(spec map[string]any, path string) []workloadView {
	base := p.podSpec(spec, path)
	meta := p.mapping(spec["podMetadata"], path+".podMetadata")
	base.labels = p.podLabels(meta["labels"], path+".podMetadata.labels")
	base.annotations = p.annotations(meta["annotations"], path+".podMetadata.annotations")
	found := []workloadView{{pod: base, path: path + ".podMetadata", suspended: p.boolean(spec["suspend"], path+".suspend")}}
	for i, v := range p.list(spec["templates"], path+".templates") {
		at := indexed(path+".templates", i)
		t := p.mapping(v, at)
		pod := p.podSpec(t, at)
		for _, kind := range []string{"container", "script"} {
			if c, ok := t[kind]; ok {
				pod.containers = append(pod.containers, p.container(c, at+"."+kind))
			}
		}
		set := p.podSpec(t["containerSet"], at+".containerSet")
		pod.containers = append(pod.containers, set.containers...)
		meta := p.mapping(t["metadata"], at+".metadata")
		labels := p.podLabels(meta["labels"], at+".metadata.labels")
		if len(labels) == 0 && pod.serviceAccount == "" {
			found[0].pod.containers = append(found[0].pod.containers, pod.containers...)
			continue
		}
		pod.labels = merged(base.labels, labels)
		pod.annotations = merged(base.annotations, p.annotations(meta["annotations"], at+".metadata.annotations"))
		if pod.serviceAccount == "" {
			pod.serviceAccount = base.serviceAccount
		}
		found = append(found, workloadView{pod: pod, path: at, suspended: found[0].suspended})
	}
	return found
}
