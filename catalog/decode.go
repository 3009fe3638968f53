package catalog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/wimigrate/wimigrate/internal/manifest"
)

// decoder reads values of a parsed object and remembers what was not as it should be.
type decoder struct{ errs []*manifest.FieldError }

func (d *decoder) fail(path, format string, args ...any) {
	d.errs = append(d.errs, &manifest.FieldError{Field: path, Reason: fmt.Sprintf(format, args...)})
}

// failed adds an error of the parser beneath.
func (d *decoder) failed(path string, err error) {
	var field *manifest.FieldError
	if !errors.As(err, &field) {
		field = &manifest.FieldError{Field: path, Reason: err.Error()}
	}
	d.errs = append(d.errs, field)
}

func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case []any:
		return "a list"
	}
	return "a mapping"
}

// mapping returns v as a mapping; absent and null are empty.
func (d *decoder) mapping(v any, path string) map[string]any {
	if v == nil {
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		d.fail(path, "is %s where a mapping should be", typeName(v))
	}
	return m
}

// list returns v as a list; absent and null are empty.
func (d *decoder) list(v any, path string) []any {
	if v == nil {
		return nil
	}
	l, ok := v.([]any)
	if !ok {
		d.fail(path, "is %s where a list should be", typeName(v))
	}
	return l
}

// text returns v as a string of any content.
func (d *decoder) text(v any, path string) string {
	if v == nil {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		d.fail(path, "is %s where a string should be", typeName(v))
	}
	return s
}

// word returns v as a string that is fit to be shown: no control characters and none that turn the direction of text.
func (d *decoder) word(v any, path string) string {
	s := d.text(v, path)
	if r, bad := unprintable(s); bad {
		d.fail(path, "holds the character %U, which has no place there", r)
		return ""
	}
	return s
}

func (d *decoder) boolean(v any, path string) bool {
	if v == nil {
		return false
	}
	b, ok := v.(bool)
	if !ok {
		d.fail(path, "is %s where a boolean should be", typeName(v))
	}
	return b
}

// integer returns v as an integer, and whether there is one.
func (d *decoder) integer(v any, path string) (int64, bool) {
	if v == nil {
		return 0, false
	}
	if f, ok := v.(float64); ok && f == float64(int64(f)) {
		return int64(f), true
	}
	n, ok := v.(int64)
	if !ok {
		d.fail(path, "is %s where a whole number should be", typeName(v))
	}
	return n, ok
}

// words returns v as a mapping of strings, keys and values fit to be shown.
func (d *decoder) words(v any, path string) map[string]string {
	m := d.mapping(v, path)
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = d.word(v, path+"."+k)
		if r, bad := unprintable(k); bad {
			d.fail(path, "has a key that holds the character %U", r)
		}
	}
	return out
}

// unprintable finds a character of s that a terminal or a reviewer would not see as it is.
func unprintable(s string) (rune, bool) {
	for _, r := range s {
		if r < ' ' || r == unicode.ReplacementChar ||
			r >= 0x7f && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0xfeff || r >= 0x200b && r <= 0x200d) {
			return r, true
		}
	}
	return 0, false
}

// shown returns s fit for a message: quoted if it holds what should not be shown raw, and cut where it is long.
func shown(s string) string {
	if _, bad := unprintable(s); bad {
		s = strconv.QuoteToASCII(s)
	}
	if len(s) > 120 {
		s = strings.ToValidUTF8(s[:120], "") + "…"
	}
	return s
}
