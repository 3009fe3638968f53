package manifest

import (
	"bytes"
	"strconv"
)

// singleQuoted reads a single-quoted scalar behind its opening quote.
func (p *blockParser) singleQuoted(from, col int) (any, bool) {
	var value []byte
	for {
		i := bytes.IndexByte(p.text[from:p.end], '\'')
		if i < 0 {
			folded, ok := p.fold(value, p.text[from:p.end], col)
			if !ok {
				return nil, false
			}
			value, from = folded, p.at
			continue
		}
		if p.build {
			value = append(value, p.text[from:from+i]...)
		}
		from += i + 1
		if from == p.end || p.text[from] != '\'' {
			return p.closed(value, from, col)
		}
		if p.build {
			value = append(value, '\'')
		}
		from++
	}
}

// fold ends a line inside quotes: the break becomes a space. A blank line, or one that is not indented more than the parent, is left to
// the real parser.
func (p *blockParser) fold(value, rest []byte, col int) ([]byte, bool) {
	if p.build {
		value = append(append(value, bytes.TrimRight(rest, " ")...), ' ')
	}
	return value, p.continued(col)
}

// continued moves to the next line of a quoted scalar.
func (p *blockParser) continued(col int) bool {
	line := p.next
	p.advance() // a line that begins with # is text here
	return p.at >= 0 && p.indent > col && p.at-p.indent == line
}

// closed ends a quoted scalar: nothing may follow its quote.
func (p *blockParser) closed(value []byte, from, col int) (any, bool) {
	if len(bytes.TrimRight(p.text[from:p.end], " ")) > 0 || !p.advance() || p.indent > col {
		return nil, false
	}
	if !p.build {
		return nil, true
	}
	return string(value), true
}

// doubleQuoted reads a double-quoted scalar behind its opening quote.
func (p *blockParser) doubleQuoted(from, col int) (any, bool) {
	var value []byte
	for {
		i := bytes.IndexAny(p.text[from:p.end], `"\`)
		switch {
		case i < 0:
			folded, ok := p.fold(value, p.text[from:p.end], col)
			if !ok {
				return nil, false
			}
			value, from = folded, p.at
			continue
		case p.text[from+i] == '"':
			if p.build {
				value = append(value, p.text[from:from+i]...)
			}
			return p.closed(value, from+i+1, col)
		}
		if p.build {
			value = append(value, p.text[from:from+i]...)
		}
		p.escaped = true
		from += i + 1
		if from == p.end { // an escaped line break joins the lines
			if !p.continued(col) {
				return nil, false
			}
			from = p.at
			continue
		}
		r, size, ok := escape(p.text[from:p.end])
		if !ok {
			return nil, false
		}
		from += size
		if p.build {
			value = append(value, string(r)...)
		}
	}
}

// escape reads what follows a backslash.
func escape(text []byte) (r rune, size int, ok bool) {
	digits := 0
	switch text[0] {
	case '"', '\\', '/', ' ':
		return rune(text[0]), 1, true
	case 'n':
		return '\n', 1, true
	case 't':
		return '\t', 1, true
	case 'r':
		return '\r', 1, true
	case 'u':
		digits = 4
	case 'x':
		digits = 2
	}
	if digits == 0 || len(text) <= digits {
		return 0, 0, false
	}
	n, err := strconv.ParseUint(string(text[1:1+digits]), 16, 32)
	if err != nil || n >= 0xd800 && n <= 0xdfff {
		return 0, 0, false
	}
	return rune(n), 1 + digits, true
}
