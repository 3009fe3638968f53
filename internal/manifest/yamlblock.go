package manifest

import "bytes"

// blockParser reads YAML in the block style that kubectl writes, and refuses everything else: flow collections, anchors, tags, tabs,
// comments, carriage returns, anything that is not ASCII. What it accepts it reads as the real parser does; what it refuses is for the
// real parser. It parses in one pass without building values where none are wanted.
type blockParser struct {
	text []byte
	// The current line: where its content begins, its column there, and where it ends. at is -1 behind the last line.
	at, indent, end int
	next            int // where the line after it begins
	build           bool
	skip            func(string) bool
	escaped         bool // a double-quoted scalar held a backslash
	depth           int
}

// plainText reports whether text holds nothing but printable ASCII and line feeds, and ends with one.
func plainText(text []byte) bool {
	for _, c := range text {
		if c-0x20 > 0x5e && c != '\n' { // wraps around below 0x20
			return false
		}
	}
	return len(text) > 0 && text[len(text)-1] == '\n'
}

// advance moves to the next line that is not blank; false is a comment.
func (p *blockParser) advance() bool {
	for p.next < len(p.text) {
		begin := p.next
		p.end = begin + bytes.IndexByte(p.text[begin:], '\n')
		p.next = p.end + 1
		p.at = begin
		for p.at < p.end && p.text[p.at] == ' ' {
			p.at++
		}
		if p.at < p.end {
			p.indent = p.at - begin
			return p.text[p.at] != '#'
		}
	}
	p.at, p.indent = -1, -1
	return true
}

// dash reports whether the current line begins with a list entry.
func (p *blockParser) dash() bool {
	return p.at >= 0 && p.text[p.at] == '-' && (p.at+1 == p.end || p.text[p.at+1] == ' ')
}

// mapping reads the block mapping whose first key is at the current position, in column col.
func (p *blockParser) mapping(col int) (map[string]any, bool) {
	var out map[string]any
	if p.build {
		out = map[string]any{}
	}
	if p.depth++; p.depth > MaxDepth/2 {
		return nil, false
	}
	for {
		key, value, ok := p.key()
		if !ok {
			return nil, false
		}
		v, kept, ok := p.member(key, value, col)
		if !ok {
			return nil, false
		}
		if kept {
			if _, twice := out[string(key)]; twice {
				return nil, false
			}
			out[string(key)] = v
		}
		if p.indent != col {
			p.depth--
			return out, p.indent < col
		}
		if p.dash() {
			return nil, false
		}
	}
}

// member reads the value of a key. kept is false where nothing is built.
func (p *blockParser) member(key []byte, value, col int) (v any, kept, ok bool) {
	build := p.build
	defer func() { p.build = build }()
	if build && p.nested(value, col) && p.skip(string(key)) {
		p.build = false
	}
	v, ok = p.value(value, col)
	return v, p.build, ok
}

// nested reports whether the value at an offset is a mapping or a list: nothing but a line end, with content below.
func (p *blockParser) nested(value, col int) bool {
	if value < p.end {
		return p.text[value] == '{' || p.text[value] == '['
	}
	ahead := *p
	return ahead.advance() && (ahead.indent > col || ahead.indent == col && ahead.dash())
}

// value reads the value of a key in column col, which begins at offset from of the current line or on the next.
func (p *blockParser) value(from, col int) (any, bool) {
	if from < p.end {
		return p.scalar(from, col)
	}
	if !p.advance() {
		return nil, false
	}
	switch {
	case p.indent > col && p.dash():
		return p.sequence(p.indent)
	case p.indent > col:
		return p.below(col)
	case p.indent == col && p.dash():
		return p.sequence(col)
	}
	return nil, true
}

// below reads a mapping on lines of its own. A scalar there is left to the real parser.
func (p *blockParser) below(int) (any, bool) {
	m, ok := p.mapping(p.indent)
	if !ok || m == nil {
		return nil, ok
	}
	return m, true
}

// sequence reads the block list whose first entry is at the current position, in column col.
func (p *blockParser) sequence(col int) (any, bool) {
	out := []any{}
	if p.depth++; p.depth > MaxDepth/2 {
		return nil, false
	}
	for {
		v, ok := p.entry(col)
		if !ok {
			return nil, false
		}
		if p.build {
			out = append(out, v)
		}
		if p.indent == col && p.dash() {
			continue
		}
		p.depth--
		return out, p.indent <= col
	}
}

// entry reads one entry of a list in column col.
func (p *blockParser) entry(col int) (any, bool) {
	from := p.at + 2
	if from >= p.end || p.text[from] == ' ' {
		return nil, false
	}
	p.at, p.indent = from, col+2
	if p.dash() {
		return p.sequence(col + 2)
	}
	if p.isKey() {
		return p.below(col)
	}
	return p.scalar(from, col)
}

// isKey reports whether the content of the current line begins with a key.
func (p *blockParser) isKey() bool {
	if c := p.text[p.at]; c == '"' || c == '\'' {
		end := p.at + 1 + bytes.IndexByte(p.text[p.at+1:p.end], c)
		return end > p.at && end+1 < p.end && p.text[end+1] == ':'
	}
	line := p.text[p.at:p.end]
	return bytes.Contains(line, []byte(": ")) || line[len(line)-1] == ':'
}

// key reads the key at the current position, and returns it with the offset of its value, which is the line's end if the value does not
// begin on this line.
func (p *blockParser) key() (key []byte, value int, ok bool) {
	line := p.text[p.at:p.end]
	var colon int
	switch c := line[0]; {
	case c == '"' || c == '\'':
		end := 1 + bytes.IndexByte(line[1:], c)
		if end < 1 || bytes.IndexByte(line[:end], '\\') >= 0 {
			return nil, 0, false
		}
		key, colon = line[1:end], end+1
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '.':
		if colon = bytes.Index(line, []byte(": ")); colon < 0 {
			colon = len(line) - 1
		}
		key = line[:colon]
		if colon == 0 || bytes.ContainsAny(key, " #") || !plainString(key) {
			return nil, 0, false
		}
	default:
		return nil, 0, false
	}
	if colon >= len(line) || line[colon] != ':' || len(key) > 500 {
		return nil, 0, false
	}
	value = p.at + colon + 1
	if value < p.end && p.text[value] != ' ' {
		return nil, 0, false
	}
	for value < p.end && p.text[value] == ' ' {
		value++
	}
	return key, value, true
}
