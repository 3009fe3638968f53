package manifest

import (
	"bytes"
	"errors"
	"strings"
)

// yamlDocument is one document of a stream.
type yamlDocument struct {
	text     []byte
	document int
	h        Handler
}

// read hands over the objects of the document.
func (d *yamlDocument) read() {
	tree, _, err := parseYAML(d.text)
	if err != nil {
		d.problem(0, err)
		return
	}
	deliverTree(tree, d.document, 0, listHeader{}, d.h, 0)
}

func (d *yamlDocument) problem(item int, err error) {
	p := Problem{Document: d.document, Item: item, Reason: err.Error()}
	var field *FieldError
	if errors.As(err, &field) {
		p.Field, p.Reason = field.Field, field.Reason
	}
	if bytes.Contains(d.text, []byte("{{")) {
		p.Template = true
		p.Reason = "is a template, not YAML: render it first, as helm template does (" + p.Reason + ")"
	}
	d.h.Problem(p)
}

// deliverTree hands over a parsed object, or the items of a parsed List.
func deliverTree(tree any, document, item int, list listHeader, h Handler, depth int) {
	m, ok := tree.(map[string]any)
	if !ok {
		if item > 0 {
			h.Problem(Problem{Document: document, Item: item, Reason: "item of a List is not an object"})
		}
		return
	}
	o := &Object{Document: document, Item: item, tree: m}
	o.APIVersion, _ = m["apiVersion"].(string)
	o.Kind, _ = m["kind"].(string)
	items, isList := m["items"].([]any)
	if !isList || !strings.HasSuffix(o.Kind, "List") {
		deliver(o, list, h)
		return
	}
	if depth > 1 {
		h.Problem(Problem{Document: document, Item: item, Reason: "Lists within Lists"})
		return
	}
	for i, child := range items {
		deliverTree(child, document, i+1, listHeader{apiVersion: o.APIVersion, kind: o.Kind}, h, depth+1)
	}
}
