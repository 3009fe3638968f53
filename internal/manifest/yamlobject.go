package manifest

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// yamlObject is an object that was looked over and not parsed: the block parser knows where its fields begin, or the real parser gave a
// tree of nodes.
type yamlObject struct {
	raw     []byte
	fields  []yamlField
	escaped bool
	node    *yaml.Node // of the real parser
}

// yamlField is where a top-level field begins.
type yamlField struct {
	name                         string
	at, end, next, value, column int
}

func (o *yamlObject) field(name string, skip func(string) bool) (any, error) {
	if o.node != nil {
		return o.nodeField(name, skip)
	}
	for _, f := range o.fields {
		if f.name != name {
			continue
		}
		p := &blockParser{text: o.raw, at: f.at, end: f.end, next: f.next, indent: f.column, build: true, skip: skip}
		if v, ok := p.value(f.value, f.column); ok {
			return v, nil
		}
		return o.again(name, skip)
	}
	return nil, nil
}

// again parses the whole object with the real parser, where the block parser would not build a value.
func (o *yamlObject) again(name string, skip func(string) bool) (any, error) {
	node, err := parseNode(o.raw)
	if err != nil {
		return nil, &FieldError{Field: name, Reason: err.Error()}
	}
	if node != nil && node.Kind == yaml.SequenceNode && len(node.Content) == 1 {
		node = node.Content[0] // the text of a list's item is a list of one
	}
	return (&yamlObject{node: node}).nodeField(name, skip)
}

func (o *yamlObject) nodeField(name string, skip func(string) bool) (any, error) {
	if o.node == nil || o.node.Kind != yaml.MappingNode {
		return nil, nil
	}
	c := newConverter(skip)
	c.path = []string{name}
	for i := 0; i+1 < len(o.node.Content); i += 2 {
		if k := o.node.Content[i]; k.Kind == yaml.ScalarNode && k.Value == name && k.ShortTag() == "!!str" {
			return c.value(o.node.Content[i+1], 1)
		}
	}
	return nil, nil
}

// top reads the names of an object's fields, which must be words that appear once.
func (o *yamlObject) top() error {
	seen := map[string]bool{}
	c := newConverter(nil)
	for i := 0; i+1 < len(o.node.Content); i += 2 {
		key, err := c.key(o.node.Content[i])
		if err != nil {
			return err
		}
		if seen[key] {
			return &FieldError{Field: key, Reason: fmt.Sprintf("line %d: key appears twice", o.node.Content[i].Line)}
		}
		seen[key] = true
	}
	return nil
}

// text returns a top-level string.
func (o *yamlObject) text(name string) string {
	v, err := o.field(name, func(string) bool { return true })
	if err != nil {
		return ""
	}
	s, _ := v.(string)
	return s
}

// maxFields is above what any object has at its top; more are left to the real parser, which looks for keys that appear twice by a map.
const maxFields = 50

// lookOver passes over the mapping at the parser's position and notes its fields. text is what positions refer to.
func lookOver(p *blockParser, column int) (*yamlObject, bool) {
	o := &yamlObject{raw: p.text}
	for {
		key, value, ok := p.key()
		if !ok || len(o.fields) > maxFields {
			return nil, false
		}
		for _, f := range o.fields {
			if f.name == string(key) {
				return nil, false
			}
		}
		o.fields = append(o.fields, yamlField{string(key), p.at, p.end, p.next, value, column})
		if _, ok := p.value(value, column); !ok || p.indent > column {
			return nil, false
		}
		if p.indent < column || p.dash() {
			o.escaped = p.escaped
			return o, true
		}
	}
}
