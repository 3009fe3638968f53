package manifest

import (
	"bytes"
	"strconv"
	"strings"
)

// scalar reads the scalar at an offset of the current line, whose parent is in column col, and moves behind it.
func (p *blockParser) scalar(from, col int) (any, bool) {
	switch c := p.text[from]; c {
	case '"':
		return p.doubleQuoted(from+1, col)
	case '\'':
		return p.singleQuoted(from+1, col)
	case '|', '>':
		return p.literal(from, col)
	case '{', '[':
		text := string(bytes.TrimRight(p.text[from:p.end], " "))
		if text != "{}" && text != "[]" || !p.advance() {
			return nil, false
		}
		if c == '{' {
			return map[string]any{}, p.indent <= col
		}
		return []any{}, p.indent <= col
	case '-', '?', ':':
		if from+1 == p.end || p.text[from+1] == ' ' {
			return nil, false
		}
	case '&', '*', '!', '%', '@', '`', ',', ']', '}', '#':
		return nil, false
	}
	return p.plain(from, col)
}

// plainLine reports whether a line of a plain scalar holds nothing that ends it.
func plainLine(line []byte) bool {
	return line[len(line)-1] != ':' && !bytes.Contains(line, []byte(": ")) && !bytes.Contains(line, []byte(" #"))
}

// plain reads a plain scalar, which may go on over lines that are indented more than its parent.
func (p *blockParser) plain(from, col int) (any, bool) {
	text := bytes.TrimRight(p.text[from:p.end], " ")
	if !plainLine(text) {
		return nil, false
	}
	line := p.next
	if !p.advance() {
		return nil, false
	}
	if p.indent <= col {
		if !p.build {
			return nil, true
		}
		return resolvePlain(text)
	}
	var folded []byte
	if p.build {
		folded = append(folded, text...)
	}
	for p.indent > col {
		text := bytes.TrimRight(p.text[p.at:p.end], " ")
		if !plainLine(text) || p.at-p.indent != line { // a blank line before it
			return nil, false
		}
		if p.build {
			folded = append(append(folded, ' '), text...)
		}
		line = p.next
		if !p.advance() {
			return nil, false
		}
	}
	if !p.build {
		return nil, true
	}
	return resolvePlain(folded)
}

// resolvePlain gives a plain scalar its type, and refuses where that takes more than a look.
func resolvePlain(text []byte) (any, bool) {
	switch string(text) {
	case "true":
		return true, true
	case "false":
		return false, true
	case "null":
		return nil, true
	}
	if plainString(text) {
		return string(text), true
	}
	if len(text) > 15 || text[0] == '0' && len(text) > 1 {
		return nil, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return nil, false
		}
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	return n, err == nil
}

// plainString reports whether a plain scalar is certainly a string. False means that it may be something else.
func plainString(text []byte) bool {
	switch c := text[0]; {
	case c >= '0' && c <= '9':
		return digitString(text)
	case c == '+' || c == '~' || c == '<' || c == '=':
		return false
	case c == '-' || c == '.' && len(text) > 1:
		second := text[min(1, len(text)-1)]
		return second == '/' || c == '-' && (second == '-' && len(text) > 1 || second|0x20 >= 'a' && second|0x20 <= 'z')
	}
	if len(text) > 5 {
		return true
	}
	switch strings.ToLower(string(text)) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return false
	}
	return true
}

// digitString reports whether text that begins with a digit is certainly no number and no time.
func digitString(text []byte) bool {
	if len(text) > 4 && text[4] == '-' {
		return false // may be a date
	}
	if len(text) > 1 && text[0] == '0' && bytes.IndexByte([]byte("xXbBoO"), text[1]) >= 0 {
		return false // may be in another base
	}
	dots, exponents := 0, 0
	for i, c := range text {
		switch {
		case c >= '0' && c <= '9', c == '_', c == '+':
		case c == '.':
			dots++
		case c == 'e' || c == 'E':
			exponents++
		case c == '-' && (text[i-1] == 'e' || text[i-1] == 'E'):
		default:
			return true
		}
	}
	return dots > 1 || exponents > 1
}

// literal reads a block scalar. A folded one is only passed over.
func (p *blockParser) literal(from, col int) (any, bool) {
	header := string(bytes.TrimRight(p.text[from:p.end], " "))
	switch header {
	case "|", "|-", "|+":
	case ">", ">-", ">+":
		if p.build {
			return nil, false
		}
	default:
		return nil, false
	}
	var value []byte
	indent, blanks, deepest := -1, 0, 0
	for p.next < len(p.text) {
		begin := p.next
		end := begin + bytes.IndexByte(p.text[begin:], '\n')
		at := begin
		for at < end && p.text[at] == ' ' {
			at++
		}
		spaces := at - begin
		if at < end {
			if indent < 0 {
				if spaces <= col {
					break
				}
				if indent = spaces; deepest > indent {
					return nil, false
				}
			}
			if spaces < indent {
				if spaces > col {
					return nil, false
				}
				break
			}
		}
		if p.build {
			value, blanks = p.literalLine(value, blanks, begin, at, end, indent)
		}
		if indent < 0 {
			deepest = max(deepest, spaces)
		}
		p.next = end + 1
	}
	if !p.advance() {
		return nil, false
	}
	if !p.build {
		return nil, true
	}
	return chomped(value, blanks, header), true
}

// literalLine adds one line of a block scalar. Blank lines are counted until it is known whether they are its last.
func (p *blockParser) literalLine(value []byte, blanks, begin, at, end, indent int) ([]byte, int) {
	if at == end && (indent < 0 || end-begin <= indent) {
		return value, blanks + 1
	}
	value = append(value, bytes.Repeat([]byte{'\n'}, blanks)...)
	value = append(value, p.text[begin+indent:end]...)
	return append(value, '\n'), 0
}

// chomped ends a block scalar as its header says.
func chomped(value []byte, blanks int, header string) string {
	s := string(value)
	switch header {
	case "|-":
		return strings.TrimSuffix(s, "\n")
	case "|+":
		return s + strings.Repeat("\n", blanks)
	}
	return s
}
