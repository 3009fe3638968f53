package manifest

import (
	"bytes"
	"fmt"
)

// Limits of one stream.
const (
	// MaxObject bounds one object. etcd refuses objects beyond 1.5 MiB (https://etcd.io/docs/v3.6/dev-guide/limit/); text with
	// indentation takes a few times that.
	MaxObject = 16 << 20
	// MaxDocument bounds a YAML document that is not laid out as kubectl writes lists.
	MaxDocument = 4 << 20
	// MaxDepth bounds nesting.
	MaxDepth = 100
	// MaxExpansion bounds the nodes and MaxExpandedBytes the text that one YAML document may grow to by its aliases.
	MaxExpansion     = 1 << 20
	MaxExpandedBytes = 64 << 20
)

// Object is one object of a stream. It, and what its methods read, is valid only until the callback that received it returns; the
// values that Field returns are the caller's own.
type Object struct {
	APIVersion, Kind string
	// Document counts from 1 within the stream; Item counts from 1 within a List and is 0 outside one.
	Document, Item int

	json *jsonObject
	yaml *yamlObject
	tree map[string]any
}

// FromTree returns an object that is parsed already.
func FromTree(apiVersion, kind string, tree map[string]any) *Object {
	return &Object{APIVersion: apiVersion, Kind: kind, tree: tree}
}

// Origin returns the position of the object in its stream: its document, and its item where it is one of a List.
func (o *Object) Origin() string { return position(o.Document, o.Item) }

func position(document, item int) string {
	if item == 0 {
		return fmt.Sprint(document)
	}
	return fmt.Sprintf("%d.%d", document, item)
}

// MayContain reports whether the text of the object may hold mark. False is certain; true is not.
func (o *Object) MayContain(mark []byte) bool {
	switch {
	case o.json != nil:
		return o.json.escaped() || bytes.Contains(o.json.raw, mark)
	case o.yaml != nil:
		return o.yaml.node != nil || o.yaml.escaped || bytes.Contains(o.yaml.raw, mark)
	}
	return true
}

// Field parses one top-level field of the object. Mappings and lists under a key for which skip returns true are left out. An absent
// field is nil. Mappings are map[string]any, lists []any, scalars string, bool, int64, float64 or nil.
func (o *Object) Field(name string, skip func(key string) bool) (any, error) {
	if skip == nil {
		skip = func(string) bool { return false }
	}
	switch {
	case o.json != nil:
		return o.json.field(name, skip)
	case o.yaml != nil:
		return o.yaml.field(name, skip)
	}
	return o.tree[name], nil
}

// Problem is an object, or a document, that could not be used.
type Problem struct {
	Document, Item int
	// Object is "Kind/name" as far as known.
	Object string
	Field  string
	Reason string
	// Template is true for text that looks like the template of an object, which a program such as Helm must render first.
	Template bool
}

// Origin returns the position of the problem in its stream.
func (p *Problem) Origin() string { return position(p.Document, p.Item) }

// FieldError says that a field of an object could not be parsed.
type FieldError struct {
	Field  string
	Reason string
}

// Error names the field and the reason.
func (e *FieldError) Error() string {
	if e.Field == "" {
		return e.Reason
	}
	return e.Field + ": " + e.Reason
}

// Handler receives what a stream holds, in order.
type Handler struct {
	// Object receives each object that has an apiVersion and a kind.
	Object func(*Object)
	// Problem receives what could not be used; the read goes on.
	Problem func(Problem)
	// List, where set, is told at the end of a JSON List how to continue it; empty means that it is complete.
	List func(continueToken string)
}
