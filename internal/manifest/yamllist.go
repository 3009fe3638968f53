package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// longDocument says what a document beyond MaxDocument must be.
var errLongDocument = fmt.Errorf("YAML document of more than %d MiB that is not laid out as kubectl writes a List; write it again with kubectl get -o yaml or -o json", MaxDocument>>20)

// long reads a document of more than MaxDocument, which must be a List as kubectl lays it out: its items begin with a dash at the
// beginning of a line, or indented by two, and so each can be read on its own.
func (s *yamlStream) long() (bool, error) {
	s.pos = s.start
	l := &longList{yamlStream: s, column: -1}
	if err := l.head(); err != nil {
		return false, err
	}
	marker, err := l.items()
	s.document++
	if err != nil {
		return false, err
	}
	if marker != nil {
		s.reopen(marker)
		return true, nil
	}
	return false, nil
}

// longList is the reading of one List.
type longList struct {
	*yamlStream
	header listHeader
	column int // of the dashes
	count  int
}

// head reads the lines up to the first item.
func (l *longList) head() error {
	for {
		l.start = l.pos
		line, err := l.line()
		if err != nil {
			return truncated(err)
		}
		text := strings.TrimRight(string(line), " \r\n")
		switch {
		case text == "" || text[0] == '#':
		case strings.HasPrefix(text, "- ") || strings.HasPrefix(text, "  - "):
			if l.column = len(text) - len(strings.TrimLeft(text, " ")); !l.header.seen {
				return errLongDocument
			}
			l.pos = l.start
			return nil
		case text == "items:":
			l.header.seen = true
		case l.header.seen || text[0] == ' ' || text[0] == '-':
			return errLongDocument
		default:
			l.tail(text)
		}
	}
}

// tail takes note of a key beside items.
func (l *longList) tail(text string) {
	if v, ok := strings.CutPrefix(text, "kind: "); ok {
		l.header.kind = v
	}
	if v, ok := strings.CutPrefix(text, "apiVersion: "); ok {
		l.header.apiVersion = v
	}
}

// items reads the items and what follows them, and returns the marker that ended the document.
func (l *longList) items() (marker []byte, err error) {
	ended := false
	l.start = l.pos
	size := 0
	for {
		line, err := l.line()
		if errors.Is(err, io.EOF) {
			if !ended {
				l.one(l.data[l.start : l.start+size])
			}
			if l.header.kind == "" {
				return nil, io.ErrUnexpectedEOF
			}
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		switch {
		case ended && isMarker(line):
			return line, nil
		case ended:
			l.tail(strings.TrimRight(string(line), " \r\n"))
			l.start = l.pos
			continue
		case isMarker(line):
			l.one(l.data[l.start : l.start+size])
			return line, nil
		case l.begins(line):
			if size > 0 {
				n := len(line)
				l.one(l.data[l.start : l.start+size])
				l.start = l.pos - n
			}
		case l.ends(line):
			l.one(l.data[l.start : l.start+size])
			ended = true
			l.tail(strings.TrimRight(string(line), " \r\n"))
			l.start = l.pos
			continue
		}
		size = l.pos - l.start
	}
}

// begins reports whether a line begins an item.
func (l *longList) begins(line []byte) bool {
	return len(line) > l.column+1 && line[l.column] == '-' && line[l.column+1] == ' ' && len(bytes.TrimLeft(line[:l.column], " ")) == 0
}

// ends reports whether a line belongs to no item: it is not blank, no comment, and not indented.
func (l *longList) ends(line []byte) bool {
	return line[0] != ' ' && line[0] != '\n' && line[0] != '\r' && line[0] != '#'
}

// one hands over an item, which is a list of one in its text.
func (l *longList) one(text []byte) {
	l.count++
	d := &yamlDocument{text: text, document: l.document, h: l.h}
	if plainText(text) {
		p := &blockParser{text: text}
		if p.advance() && p.dash() && p.indent == l.column && p.at+2 < p.end && p.text[p.at+2] != ' ' {
			p.at, p.indent = p.at+2, l.column+2
			if o, ok := lookOver(p, l.column+2); ok && p.at < 0 {
				d.item(o, l.count, l.header)
				return
			}
		}
	}
	node, err := parseNode(text)
	if err != nil {
		d.problem(l.count, err)
		return
	}
	if node != nil && len(node.Content) == 1 {
		_ = d.nodes(node.Content[0], l.count, l.header, 1) // an item has no end to miss
	}
}
