package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// jsonParser parses one JSON value that lies in memory, without what is skipped.
type jsonParser struct {
	data []byte
	pos  int
	skip func(string) bool
	path []string
}

func (p *jsonParser) fail(format string, args ...any) error {
	return &FieldError{Field: joinPath(p.path), Reason: fmt.Sprintf(format, args...)}
}

func (p *jsonParser) space() byte {
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; c {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return c
		}
	}
	return 0
}

func (p *jsonParser) value(depth int) (any, error) {
	if depth > MaxDepth {
		return nil, p.fail("nested more than %d deep", MaxDepth)
	}
	switch c := p.space(); c {
	case '{':
		return p.object(depth)
	case '[':
		return p.list(depth)
	case '"':
		return p.string()
	case 0:
		return nil, p.fail("ends early")
	}
	return p.scalar()
}

func (p *jsonParser) string() (string, error) {
	from := p.pos
	if err := p.skipString(); err != nil {
		return "", err
	}
	s, err := unquote(p.data[from:p.pos])
	if err != nil {
		return "", p.fail("%v", err)
	}
	return s, nil
}

func (p *jsonParser) skipString() error {
	p.pos++
	for {
		i := bytes.IndexByte(p.data[p.pos:], '"')
		if i < 0 {
			return p.fail("string without end")
		}
		quote := p.pos + i
		p.pos = quote + 1
		backslashes := 0
		for p.data[quote-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return nil
		}
	}
}

// skipNested passes over the object or list that begins at pos.
func (p *jsonParser) skipNested() error {
	depth := 0
	for p.pos < len(p.data) {
		switch class[p.data[p.pos]] {
		case 1:
			if err := p.skipString(); err != nil {
				return err
			}
			continue
		case 2:
			depth++
		case 3:
			if depth--; depth == 0 {
				p.pos++
				return nil
			}
		}
		p.pos++
	}
	return p.fail("ends early")
}

func (p *jsonParser) object(depth int) (any, error) {
	p.pos++
	out := map[string]any{}
	for first := true; ; first = false {
		c := p.space()
		if c == '}' && first {
			p.pos++
			return out, nil
		}
		if c != '"' {
			return nil, p.fail("a key should be where %q is", c)
		}
		key, err := p.string()
		if err != nil {
			return nil, err
		}
		if p.space() != ':' {
			return nil, p.fail("no colon behind key %q", key)
		}
		p.pos++
		if err := p.member(out, key, depth); err != nil {
			return nil, err
		}
		switch c := p.space(); c {
		case ',':
			p.pos++
		case '}':
			p.pos++
			return out, nil
		default:
			return nil, p.fail("%q behind the value of %q", c, key)
		}
	}
}

func (p *jsonParser) member(out map[string]any, key string, depth int) error {
	if c := p.space(); class[c] == 2 && p.skip(key) {
		return p.skipNested()
	}
	p.path = append(p.path, key)
	if _, twice := out[key]; twice {
		return p.fail("key appears twice")
	}
	v, err := p.value(depth + 1)
	if err != nil {
		return err
	}
	p.path = p.path[:len(p.path)-1]
	out[key] = v
	return nil
}

func (p *jsonParser) list(depth int) (any, error) {
	p.pos++
	out := []any{}
	if p.space() == ']' {
		p.pos++
		return out, nil
	}
	for {
		p.path = append(p.path, "["+strconv.Itoa(len(out))+"]")
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		p.path = p.path[:len(p.path)-1]
		out = append(out, v)
		switch c := p.space(); c {
		case ',':
			p.pos++
		case ']':
			p.pos++
			return out, nil
		default:
			return nil, p.fail("%q in a list", c)
		}
	}
}

// scalar parses a number, true, false or null.
func (p *jsonParser) scalar() (any, error) {
	from := p.pos
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ',', '}', ']', ' ', '\t', '\n', '\r', '"', '{', '[', ':':
			return p.literal(p.data[from:p.pos])
		}
		p.pos++
	}
	return p.literal(p.data[from:p.pos])
}

func (p *jsonParser) literal(text []byte) (any, error) {
	switch string(text) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	if !json.Valid(text) {
		return nil, p.fail("%.40q is not JSON", text)
	}
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return nil, p.fail("%.40q is no number: %v", text, err)
	}
	return f, nil
}

// unquote returns the value of a JSON string, quotes included in text.
func unquote(text []byte) (string, error) {
	inner := text[1 : len(text)-1]
	plain := true
	for _, c := range inner {
		if c < 0x20 {
			return "", fmt.Errorf("control character %q in a string", c)
		}
		if c == '\\' || c >= utf8.RuneSelf {
			plain = false
		}
	}
	if plain {
		return string(inner), nil
	}
	if !utf8.Valid(inner) {
		return "", fmt.Errorf("string is not UTF-8")
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return "", fmt.Errorf("string is not JSON")
	}
	return s, nil
}

func joinPath(path []string) string {
	var b bytes.Buffer
	for _, step := range path {
		if b.Len() > 0 && step[:min(1, len(step))] != "[" {
			b.WriteByte('.')
		}
		b.WriteString(step)
	}
	return b.String()
}
