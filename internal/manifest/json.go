package manifest

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// jsonObject is an object that was scanned and not parsed.
type jsonObject struct {
	raw    []byte
	fields []jsonField
}

type jsonField struct {
	name     string
	from, to int // in raw
}

// escaped reports whether text may be spelt with escapes that hide it from a search.
func (o *jsonObject) escaped() bool {
	return bytes.Contains(o.raw, []byte(`\u`)) || bytes.Contains(o.raw, []byte(`\/`))
}

func (o *jsonObject) field(name string, skip func(string) bool) (any, error) {
	for _, f := range o.fields {
		if f.name == name {
			p := &jsonParser{data: o.raw[f.from:f.to], skip: skip, path: []string{name}}
			return p.value(1)
		}
	}
	return nil, nil
}

// text returns a top-level string.
func (o *jsonObject) text(name string) string {
	v, err := o.field(name, func(string) bool { return true })
	if err != nil {
		return ""
	}
	s, _ := v.(string)
	return s
}

// ReadJSON reads a stream of JSON objects and Lists. The error says that the stream broke: io.ErrUnexpectedEOF for one that ends
// early. What was handed over before stands.
func ReadJSON(r io.Reader, h Handler) error {
	d := &jsonDecoder{jsonScanner: jsonScanner{*newBuffer(r, MaxObject)}, h: h}
	for {
		c, err := d.space()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		d.document++
		d.start = d.pos
		if c != '{' {
			if c == '[' || c == '"' {
				d.h.Problem(Problem{Document: d.document, Reason: "a Kubernetes object should begin here"})
			}
			return &syntaxError{"not a Kubernetes object: it does not begin with {"}
		}
		if err := d.top(); err != nil {
			return err
		}
	}
}

// IsSyntax reports whether err says that a stream is not JSON at all, or no longer.
func IsSyntax(err error) bool {
	var s *syntaxError
	return errors.As(err, &s)
}

type jsonDecoder struct {
	jsonScanner
	h        Handler
	document int
	// fields of the object being scanned; reused.
	fields []jsonField
}

// top reads a top-level object: a List whose items are handed over one by one, or an object.
func (d *jsonDecoder) top() error {
	d.fields = d.fields[:0]
	list := listHeader{}
	token := ""
	err := d.members(func(key string) error {
		from := d.pos - d.start
		if key == "items" && d.data[d.pos] == '[' {
			list.apiVersion, list.kind = d.header()
			list.seen = true
			return d.items(&list)
		}
		list.seen = list.seen || key == "items" && d.data[d.pos] == 'n' // null: how Go writes a list of nothing
		if err := d.skip(); err != nil {
			return err
		}
		if key == "metadata" {
			token = continueToken(d.data[d.start+from : d.pos])
		}
		if list.seen { // nothing of a List but its items is kept
			d.start = d.pos
			return nil
		}
		d.fields = append(d.fields, jsonField{key, from, d.pos - d.start})
		return nil
	})
	if err == nil && list.seen && d.h.List != nil {
		d.h.List(token)
	}
	if err != nil || list.seen {
		return err
	}
	return d.emit(0, listHeader{})
}

// continueToken returns the token in the metadata of a List.
func continueToken(text []byte) string {
	p := &jsonParser{data: text, skip: func(string) bool { return true }}
	v, err := p.value(1)
	if err != nil {
		return ""
	}
	m, _ := v.(map[string]any)
	token, _ := m["continue"].(string)
	return token
}

// header returns what the fields scanned so far say of apiVersion and kind.
func (d *jsonDecoder) header() (apiVersion, kind string) {
	o := jsonObject{raw: d.data[d.start:d.pos], fields: d.fields}
	return o.text("apiVersion"), o.text("kind")
}

// listHeader is what a List says of its items: a PodList holds Pods that need not say so.
type listHeader struct {
	apiVersion, kind string
	seen             bool
}

func (l *listHeader) itemKind() string {
	kind := strings.TrimSuffix(l.kind, "List")
	if kind == l.kind {
		return ""
	}
	return kind
}

// items reads the items of a List whose opening bracket is the next byte.
func (d *jsonDecoder) items(list *listHeader) error {
	d.pos++
	for item := 1; ; item++ {
		d.start = d.pos
		c, err := d.space()
		if err != nil {
			return truncated(err)
		}
		if c == ']' && item == 1 {
			d.pos++
			d.start = d.pos
			return nil
		}
		if err := d.item(item, list); err != nil {
			return err
		}
		if c, err = d.space(); err != nil {
			return truncated(err)
		}
		d.pos++
		if c == ']' {
			d.start = d.pos
			return nil
		}
		if c != ',' {
			return &syntaxError{"not JSON: items of a List are not separated by commas"}
		}
	}
}

func (d *jsonDecoder) item(item int, list *listHeader) error {
	d.start = d.pos
	d.fields = d.fields[:0]
	if d.data[d.pos] != '{' {
		d.h.Problem(Problem{Document: d.document, Item: item, Reason: "item of a List is not an object"})
		return d.skip()
	}
	err := d.members(func(key string) error {
		from := d.pos - d.start
		if err := d.skip(); err != nil {
			return err
		}
		d.fields = append(d.fields, jsonField{key, from, d.pos - d.start})
		return nil
	})
	if err != nil {
		return err
	}
	return d.emit(item, *list)
}

// emit hands over the object between start and pos.
func (d *jsonDecoder) emit(item int, list listHeader) error {
	body := &jsonObject{raw: d.data[d.start:d.pos], fields: d.fields}
	o := &Object{APIVersion: body.text("apiVersion"), Kind: body.text("kind"), Document: d.document, Item: item, json: body}
	if name, ok := twice(body.fields); ok {
		d.h.Problem(Problem{Document: d.document, Item: item, Object: o.Kind, Field: name, Reason: "key appears twice"})
		return nil
	}
	deliver(o, list, d.h)
	return nil
}

// twice finds a key that appears twice.
func twice(fields []jsonField) (string, bool) {
	var seen map[string]bool
	for i, f := range fields {
		if i < maxFields {
			for _, g := range fields[:i] {
				if f.name == g.name {
					return f.name, true
				}
			}
			continue
		}
		if seen == nil {
			seen = map[string]bool{}
			for _, g := range fields[:i] {
				seen[g.name] = true
			}
		}
		if seen[f.name] {
			return f.name, true
		}
		seen[f.name] = true
	}
	return "", false
}

// deliver completes an item from its List and hands it over; what is not a Kubernetes object is passed over.
func deliver(o *Object, list listHeader, h Handler) {
	if o.Kind == "" && o.Item > 0 {
		o.Kind, o.APIVersion = list.itemKind(), list.apiVersion
		if o.Kind == "" {
			h.Problem(Problem{Document: o.Document, Item: o.Item, Field: "kind",
				Reason: "item says no kind and its List has not said one before; write the list with kubectl get -o json or -o yaml"})
			return
		}
	}
	switch {
	case o.Kind == "" || o.APIVersion == "":
	case o.Kind == "List" && o.Item > 0:
		h.Problem(Problem{Document: o.Document, Item: o.Item, Object: o.Kind, Reason: "a List within a List; write its items on their own"})
	default:
		h.Object(o)
	}
}
