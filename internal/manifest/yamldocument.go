package manifest

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlDocument is one document of a stream, in memory.
type yamlDocument struct {
	text     []byte
	document int
	h        Handler
}

// read hands over the objects of the document: by the block parser if it understands all of it, else by the real one. The error is
// io.ErrUnexpectedEOF for a List without its end.
func (d *yamlDocument) read() error {
	if plainText(d.text) {
		p := &blockParser{text: d.text}
		if p.advance() && p.at >= 0 && p.indent == 0 && !p.dash() {
			if top, ok := lookOver(p, 0); ok && p.at < 0 {
				return d.block(top)
			}
		}
	}
	node, err := parseNode(d.text)
	if err != nil {
		d.problem(0, err)
		return nil
	}
	return d.nodes(node, 0, listHeader{}, 0)
}

// block hands over what the block parser looked over.
func (d *yamlDocument) block(top *yamlObject) error {
	list := listHeader{apiVersion: top.text("apiVersion"), kind: top.text("kind")}
	for _, f := range top.fields {
		p := &blockParser{text: top.raw, at: f.at, end: f.end, next: f.next, indent: f.column}
		if f.name != "items" || f.value < f.end || !p.advance() || !p.dash() {
			continue
		}
		if list.kind == "" && list.apiVersion != "" {
			return io.ErrUnexpectedEOF
		}
		if strings.HasSuffix(list.kind, "List") {
			return d.blockItems(p, list)
		}
	}
	deliver(&Object{APIVersion: list.apiVersion, Kind: list.kind, Document: d.document, yaml: top}, listHeader{}, d.h)
	return nil
}

// blockItems hands over the items of a List, the first of which is at the parser's position. The document as a whole was understood.
func (d *yamlDocument) blockItems(p *blockParser, list listHeader) error {
	column := p.indent
	var nodes []*yaml.Node // of the real parser, once an item is odd
	for item := 1; p.indent == column && p.dash(); item++ {
		from, dash := p.at-p.indent, *p
		p.at, p.indent, p.escaped = p.at+2, column+2, false
		o, ok := lookOver(p, column+2)
		if !ok {
			*p = dash
			p.entry(column)
		}
		to := len(p.text)
		if p.at >= 0 {
			to = p.at - p.indent
		}
		if ok {
			d.item(o.slice(from, to), item, list)
			continue
		}
		if nodes == nil {
			nodes = d.itemNodes()
		}
		if item > len(nodes) {
			d.h.Problem(Problem{Document: d.document, Item: item, Reason: "item of a List cannot be read"})
			continue
		}
		if err := d.nodes(nodes[item-1], item, list, 1); err != nil {
			return err
		}
	}
	return nil
}

// itemNodes has the real parser look at the whole List: an item of it is no mapping, or has a key twice.
func (d *yamlDocument) itemNodes() []*yaml.Node {
	node, err := parseNode(d.text)
	if err != nil || node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	return (&yamlObject{node: node}).sequence("items")
}

// slice returns the object with only its own text.
func (o *yamlObject) slice(from, to int) *yamlObject {
	o.raw = o.raw[from:to]
	for i := range o.fields {
		f := &o.fields[i]
		f.at, f.end, f.next, f.value = f.at-from, f.end-from, f.next-from, f.value-from
	}
	return o
}

func (d *yamlDocument) item(o *yamlObject, item int, list listHeader) {
	deliver(&Object{APIVersion: o.text("apiVersion"), Kind: o.text("kind"), Document: d.document, Item: item, yaml: o}, list, d.h)
}

// nodes hands over what the real parser made of an object or a List.
func (d *yamlDocument) nodes(node *yaml.Node, item int, list listHeader, depth int) error {
	if node == nil || node.Kind == yaml.AliasNode && depth > 0 {
		return nil
	}
	if node.Kind != yaml.MappingNode {
		if item > 0 {
			d.h.Problem(Problem{Document: d.document, Item: item, Reason: "item of a List is not an object"})
		}
		return nil
	}
	o := &yamlObject{node: node}
	if err := o.top(); err != nil {
		d.problem(item, err)
		return nil
	}
	object := &Object{APIVersion: o.text("apiVersion"), Kind: o.text("kind"), Document: d.document, Item: item, yaml: o}
	items := o.sequence("items")
	switch {
	case items == nil || item > 0:
	case object.Kind == "" && object.APIVersion != "":
		return io.ErrUnexpectedEOF
	case strings.HasSuffix(object.Kind, "List"):
		for i, child := range items {
			if child.Kind == yaml.AliasNode {
				child = child.Alias
			}
			if err := d.nodes(child, i+1, listHeader{apiVersion: object.APIVersion, kind: object.Kind}, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	deliver(object, list, d.h)
	return nil
}

// sequence returns the entries of a top-level list.
func (o *yamlObject) sequence(name string) []*yaml.Node {
	for i := 0; i+1 < len(o.node.Content); i += 2 {
		if o.node.Content[i].Value == name && o.node.Content[i+1].Kind == yaml.SequenceNode {
			return o.node.Content[i+1].Content
		}
	}
	return nil
}

func (d *yamlDocument) problem(item int, err error) {
	p := Problem{Document: d.document, Item: item, Reason: err.Error()}
	if field, ok := errors.AsType[*FieldError](err); ok {
		p.Field, p.Reason = field.Field, field.Reason
	}
	if bytes.Contains(d.text, []byte("{{")) {
		p.Template = true
		p.Reason = "is a template, not YAML: render it first, as helm template does (" + p.Reason + ")"
	}
	d.h.Problem(p)
}
