package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// class tells the scanner which bytes matter when it skips a value.
var class = [256]byte{'"': 1, '{': 2, '[': 2, '}': 3, ']': 3}

// syntaxError says that the stream is not JSON; nothing behind it can be trusted.
type syntaxError struct{ reason string }

func (e *syntaxError) Error() string { return e.reason }

// jsonScanner finds the bounds of JSON values in a stream without parsing them.
type jsonScanner struct{ buffer }

// truncated turns the end of the stream in the middle of a value into io.ErrUnexpectedEOF.
func truncated(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// space skips white space and returns the next byte without consuming it.
func (s *jsonScanner) space() (byte, error) {
	for {
		for s.pos < s.end {
			switch c := s.data[s.pos]; c {
			case ' ', '\t', '\n', '\r':
				s.pos++
			default:
				return c, nil
			}
		}
		if err := s.more(); err != nil {
			return 0, err
		}
	}
}

// expect consumes the next byte behind white space, which must be want.
func (s *jsonScanner) expect(want byte) error {
	c, err := s.space()
	if err != nil {
		return truncated(err)
	}
	if c != want {
		return &syntaxError{fmt.Sprintf("not JSON: %q where %q should be", c, want)}
	}
	s.pos++
	return nil
}

// string consumes a string whose opening quote is the next byte. The buffer's start must not lie inside the string.
func (s *jsonScanner) string() error {
	s.pos++
	for {
		i := bytes.IndexByte(s.data[s.pos:s.end], '"')
		if i < 0 {
			s.pos = s.end
			if err := s.more(); err != nil {
				return truncated(err)
			}
			continue
		}
		quote := s.pos + i
		s.pos = quote + 1
		backslashes := 0
		for s.data[quote-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return nil
		}
	}
}

// skip consumes one value of any kind.
func (s *jsonScanner) skip() error {
	c, err := s.space()
	if err != nil {
		return truncated(err)
	}
	switch class[c] {
	case 1:
		return s.string()
	case 2:
		return s.skipNested()
	case 3:
		return &syntaxError{fmt.Sprintf("not JSON: %q where a value should be", c)}
	}
	return s.scalar()
}

// scalar consumes a number, true, false or null.
func (s *jsonScanner) scalar() error {
	for {
		c, err := s.peek()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch c {
		case ',', '}', ']', ' ', '\t', '\n', '\r', '"', '{', '[', ':':
			return nil
		}
		s.pos++
	}
}

// skipNested consumes an object or a list whose bracket is the next byte.
func (s *jsonScanner) skipNested() error {
	depth := 0
	for {
		data := s.data[:s.end]
		for s.pos < len(data) {
			switch class[data[s.pos]] {
			case 1:
				if err := s.string(); err != nil {
					return err
				}
				data = s.data[:s.end]
				continue
			case 2:
				depth++
			case 3:
				if depth--; depth == 0 {
					s.pos++
					return nil
				}
			}
			s.pos++
		}
		if err := s.more(); err != nil {
			return truncated(err)
		}
	}
}

// members walks the object whose opening brace is the next byte: visit is called with each key at the beginning of its value and must
// consume the value.
func (s *jsonScanner) members(visit func(key string) error) error {
	s.pos++
	c, err := s.space()
	if err != nil {
		return truncated(err)
	}
	if c == '}' {
		s.pos++
		return nil
	}
	for {
		key, err := s.key()
		if err != nil {
			return err
		}
		if err := visit(key); err != nil {
			return err
		}
		if c, err = s.space(); err != nil {
			return truncated(err)
		}
		s.pos++
		switch c {
		case ',':
		case '}':
			return nil
		default:
			return &syntaxError{fmt.Sprintf("not JSON: %q behind the value of %q", c, key)}
		}
	}
}

// key consumes a key and its colon, and stops at its value.
func (s *jsonScanner) key() (string, error) {
	c, err := s.space()
	if err != nil {
		return "", truncated(err)
	}
	if c != '"' {
		return "", &syntaxError{fmt.Sprintf("not JSON: %q where a key should be", c)}
	}
	from := s.pos - s.start
	if err := s.string(); err != nil {
		return "", err
	}
	key, err := unquote(s.data[s.start+from : s.pos])
	if err != nil {
		return "", &syntaxError{err.Error()}
	}
	if err := s.expect(':'); err != nil {
		return "", err
	}
	if _, err := s.space(); err != nil {
		return "", truncated(err)
	}
	return key, nil
}
