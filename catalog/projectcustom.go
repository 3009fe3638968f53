package catalog

// custom reads a custom resource: by the rule for its kind, else by the shape of what it holds.
func (p *projection) custom() {
	if p.object.Kind == "List" {
		return
	}
	rule := customRule(groupOf(p.object.APIVersion), p.object.Kind)
	if rule == nil && (!p.heuristic || !p.marked()) {
		return
	}
	var found []workloadView
	if rule == nil {
		if found = p.byShape(); len(found) == 0 {
			return // not ours, whatever it looks like: a Kustomization needs no name
		}
	}
	m, ok := p.meta()
	if !ok {
		return
	}
	if rule != nil {
		found = rule(p, m)
	}
	if !p.fits(m) {
		return
	}
	for i := range found {
		found[i].objectMeta = m
		p.workload(&found[i])
	}
}

// byShape finds pod templates wherever they lie: a mapping with metadata.labels and spec.containers.
func (p *projection) byShape() []workloadView {
	var found []workloadView
	for _, field := range []string{"spec", "template"} {
		p.shapes(p.field(field, skipMetadata), field, &found)
	}
	return found
}

func (p *projection) shapes(v any, path string, found *[]workloadView) {
	switch v := v.(type) {
	case map[string]any:
		if isPodTemplate(v) {
			*found = append(*found, workloadView{pod: p.podTemplate(v, path), path: path, heuristic: true})
			return
		}
		for _, k := range sortedKeys(v) {
			p.shapes(v[k], path+"."+k, found)
		}
	case []any:
		for i, item := range v {
			p.shapes(item, indexed(path, i), found)
		}
	}
}

func isPodTemplate(m map[string]any) bool {
	meta, _ := m["metadata"].(map[string]any)
	spec, _ := m["spec"].(map[string]any)
	_, labels := meta["labels"].(map[string]any)
	_, containers := spec["containers"].([]any)
	return labels && containers
}
