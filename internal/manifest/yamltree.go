package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseNode parses one document with the real parser; nil is an empty one.
func parseNode(text []byte) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if doc.Kind == 0 {
		return nil, nil
	}
	return doc.Content[0], nil
}

func newConverter(skip func(string) bool) *yamlConverter {
	if skip == nil {
		skip = func(string) bool { return false }
	}
	return &yamlConverter{nodes: MaxExpansion, bytes: MaxExpandedBytes, skip: skip}
}

// yamlConverter turns nodes into the values that JSON gives, and counts what aliases make of them. Merge keys are applied, plain yes,
// no, on and off are booleans as they are to kubectl (YAML 1.1), and a key that appears twice is an error.
type yamlConverter struct {
	nodes, bytes int
	skip         func(string) bool
	open         []*yaml.Node // anchors being expanded
	path         []string
}

func (c *yamlConverter) fail(n *yaml.Node, format string, args ...any) error {
	return &FieldError{Field: joinPath(c.path), Reason: fmt.Sprintf("line %d: ", n.Line) + fmt.Sprintf(format, args...)}
}

func (c *yamlConverter) value(n *yaml.Node, depth int) (any, error) {
	c.nodes--
	c.bytes -= len(n.Value)
	if c.nodes < 0 || c.bytes < 0 {
		return nil, c.fail(n, "document grows beyond %d nodes or %d MiB by its aliases", MaxExpansion, MaxExpandedBytes>>20)
	}
	if depth > MaxDepth {
		return nil, c.fail(n, "nested more than %d deep", MaxDepth)
	}
	switch n.Kind {
	case yaml.MappingNode:
		return c.mapping(n, depth)
	case yaml.SequenceNode:
		return c.sequence(n, depth)
	case yaml.AliasNode:
		return c.alias(n, depth)
	default:
		return c.scalar(n)
	}
}

func (c *yamlConverter) alias(n *yaml.Node, depth int) (any, error) {
	if slices.Contains(c.open, n.Alias) {
		return nil, c.fail(n, "anchor %q contains itself", n.Value)
	}
	c.open = append(c.open, n.Alias)
	defer func() { c.open = c.open[:len(c.open)-1] }()
	return c.value(n.Alias, depth+1)
}

func (c *yamlConverter) sequence(n *yaml.Node, depth int) (any, error) {
	out := make([]any, 0, len(n.Content))
	for i, item := range n.Content {
		c.path = append(c.path, "["+strconv.Itoa(i)+"]")
		v, err := c.value(item, depth+1)
		if err != nil {
			return nil, err
		}
		c.path = c.path[:len(c.path)-1]
		out = append(out, v)
	}
	return out, nil
}

func (c *yamlConverter) mapping(n *yaml.Node, depth int) (any, error) {
	out := make(map[string]any, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.ShortTag() == "!!merge" {
			merges = append(merges, v)
			continue
		}
		key, err := c.key(k)
		if err != nil {
			return nil, err
		}
		if c.skip(key) && isNested(v) {
			continue
		}
		c.path = append(c.path, key)
		if _, twice := out[key]; twice {
			return nil, c.fail(k, "key appears twice")
		}
		if out[key], err = c.value(v, depth+1); err != nil {
			return nil, err
		}
		c.path = c.path[:len(c.path)-1]
	}
	for _, m := range merges {
		if err := c.merge(out, m, depth); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// isNested reports whether a node is a mapping or a list.
func isNested(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode
}

// merge adds the entries of a merge key's mapping, or mappings, that out does not have.
func (c *yamlConverter) merge(out map[string]any, n *yaml.Node, depth int) error {
	v, err := c.value(n, depth+1)
	if err != nil {
		return err
	}
	sources, ok := v.([]any)
	if !ok {
		sources = []any{v}
	}
	for _, s := range sources {
		m, ok := s.(map[string]any)
		if !ok {
			return c.fail(n, "merge key << without a mapping")
		}
		for k, v := range m {
			if _, have := out[k]; !have {
				out[k] = v
			}
		}
	}
	return nil
}

func (c *yamlConverter) key(k *yaml.Node) (string, error) {
	if k.Kind == yaml.AliasNode {
		k = k.Alias
	}
	if k.Kind != yaml.ScalarNode {
		return "", c.fail(k, "key is not a scalar")
	}
	c.bytes -= len(k.Value)
	v, err := c.scalar(k)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case bool, int64, float64:
		return fmt.Sprint(v), nil
	}
	return "", c.fail(k, "key is null")
}

func (c *yamlConverter) scalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return nil, c.fail(n, "%.40q is no boolean", n.Value)
		}
		return b, nil
	case "!!int", "!!float":
		return c.number(n)
	case "!!str", "!!timestamp", "!!binary":
		if n.Style == 0 {
			if b, ok := oldBool(n.Value); ok {
				return b, nil
			}
		}
		return n.Value, nil
	}
	return nil, c.fail(n, "tag %.40q is not of Kubernetes", n.Tag)
}

func (c *yamlConverter) number(n *yaml.Node) (any, error) {
	var i int64
	if n.ShortTag() == "!!int" && n.Decode(&i) == nil {
		return i, nil
	}
	var f float64
	if err := n.Decode(&f); err != nil {
		return nil, c.fail(n, "%.40q is no number", n.Value)
	}
	return f, nil
}

// oldBool resolves the booleans of YAML 1.1 that YAML 1.2 took away; kubectl still reads them.
func oldBool(s string) (value, ok bool) {
	switch s {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
		return true, true
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return false, true
	}
	return false, false
}
