package lint

import (
	"bytes"
	"regexp"
)

// blockScalar matches the header of a literal or folded block at the end of a line: its text follows, indented deeper.
var blockScalar = regexp.MustCompile(`(?:^|[:\-?!\w]\s)\s*[|>][-+0-9]{0,2}\s*(?:#.*)?$`)

// yamlComments knows # after white space or at the start of a line, outside quoted scalars and block scalars. The shell script
// inside a ConfigMap is a block scalar: it runs, so its comments count as text here.
func yamlComments(src []byte) []span {
	var out []span
	var quote byte
	block := -1 // the indentation of the line that opened a block scalar
	for at := 0; at < len(src); {
		n := lineLength(src[at:])
		line := bytes.TrimRight(src[at:at+n], "\r")
		indent := len(line) - len(bytes.TrimLeft(line, " "))
		if block >= 0 && (len(bytes.TrimSpace(line)) == 0 || indent > block) {
			at += n + 1
			continue
		}
		block = -1
		var hash int
		hash, quote = yamlHash(line, quote)
		if hash >= 0 {
			out = append(out, span{at + hash, at + n})
		}
		if quote == 0 && blockScalar.Match(line) && (hash < 0 || hash > indent) {
			block = indent
		}
		at += n + 1
	}
	return out
}

// yamlHash returns the offset of the # that begins a comment, or -1, and the quote that is open at the end of the line. A quote
// opens a scalar only where one can begin: after white space or one of ,[{:-.
func yamlHash(line []byte, quote byte) (int, byte) {
	for i := 0; i < len(line); i++ {
		c := line[i]
		starts := i == 0 || bytes.IndexByte([]byte(" \t,[{"), line[i-1]) >= 0
		switch {
		case quote == '"' && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '\'' || c == '"') && starts:
			quote = c
		case c == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t'):
			return i, 0
		}
	}
	return -1, quote
}
