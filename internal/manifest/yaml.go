package manifest

import (
	"bytes"
	"errors"
	"io"
)

// ReadYAML reads a stream of YAML documents. A document that is no YAML is a Problem, and the read goes on behind the next "---". The
// error says that the stream broke.
func ReadYAML(r io.Reader, h Handler) error {
	s := &yamlStream{buffer: *newBuffer(r, MaxObject), h: h, document: 1}
	for {
		more, err := s.next()
		if err != nil || !more {
			return err
		}
	}
}

// yamlStream cuts a stream at its document markers, which YAML allows nowhere inside a document (YAML 1.2.2, rule c-forbidden).
type yamlStream struct {
	buffer
	h        Handler
	document int
}

// line consumes one line and returns it with its line feed; io.EOF when there is none.
func (s *yamlStream) line() ([]byte, error) {
	from := s.pos - s.start
	for {
		if i := bytes.IndexByte(s.data[s.pos:s.end], '\n'); i >= 0 {
			s.pos += i + 1
			return s.data[s.start+from : s.pos], nil
		}
		s.pos = s.end
		if err := s.more(); errors.Is(err, io.EOF) {
			if text := s.data[s.start+from : s.end]; len(text) > 0 {
				return text, nil
			}
			return nil, io.EOF
		} else if err != nil {
			return nil, err
		}
	}
}

// next reads one document, and hands over its objects. It reports whether there may be another.
func (s *yamlStream) next() (bool, error) {
	s.start = s.pos
	for {
		size := s.pos - s.start
		if size > MaxDocument {
			return s.long()
		}
		line, err := s.line()
		if errors.Is(err, io.EOF) {
			return false, s.whole(s.data[s.start:s.pos])
		}
		if err != nil {
			return false, err
		}
		if isMarker(line) {
			err := s.whole(s.data[s.start : s.start+size])
			s.reopen(line)
			return err == nil, err
		}
	}
}

// isMarker reports whether a line ends the document before it.
func isMarker(line []byte) bool {
	if len(line) < 3 || (string(line[:3]) != "---" && string(line[:3]) != "...") {
		return false
	}
	return len(line) == 3 || line[3] == '\n' || line[3] == ' ' || line[3] == '\t' || line[3] == '\r'
}

// reopen puts back what follows a marker on its line: it belongs to the next document.
func (s *yamlStream) reopen(marker []byte) {
	if len(bytes.TrimSpace(marker[3:])) > 0 {
		s.pos -= len(marker) - 3
	}
}

// whole hands over the objects of a document that lies in memory.
func (s *yamlStream) whole(text []byte) error {
	if blank(text) {
		return nil
	}
	d := &yamlDocument{text: text, document: s.document, h: s.h}
	s.document++
	return d.read()
}

// blank reports whether text holds only white space, comments and directives.
func blank(text []byte) bool {
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte{'\n'})
		text = rest
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && line[0] != '%' {
			return false
		}
	}
	return true
}
