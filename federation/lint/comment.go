package lint

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// span is a comment, as byte offsets of the file.
type span struct{ start, end int }

// comments returns the comments of a file, in order. In doubt text is not a comment: a false finding is read by a person, a missed
// one is not.
func comments(lang language, src []byte) []span {
	switch lang {
	case terraform, tfvars:
		return hclComments(src)
	case bicep:
		return slashComments(src, '\'')
	case jsonText:
		return slashComments(src, '"')
	case yamlText:
		return yamlComments(src)
	case shell:
		return shellComments(src)
	case powerShell:
		return hashLines(src)
	case markdown:
		return markdownComments(src)
	case terraformJSON:
	}
	return nil
}

// hclComments asks HCL's own scanner, which knows heredocs and templates.
func hclComments(src []byte) []span {
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos) // of a broken file, the comments before the break
	var out []span
	for _, t := range tokens {
		if t.Type == hclsyntax.TokenComment {
			out = append(out, span{t.Range.Start.Byte, t.Range.End.Byte})
		}
	}
	return out
}

// slashComments knows // and /* */ outside strings with backslash escapes, and Bicep's ” strings of several lines.
func slashComments(src []byte, quote byte) []span {
	long := bytes.Repeat([]byte{quote}, 3)
	var out []span
	for i := 0; i < len(src); {
		rest := src[i:]
		switch {
		case quote == '\'' && bytes.HasPrefix(rest, long):
			i += 3 + past(rest[3:], long)
		case src[i] == quote:
			i = endOfString(src, i)
		case bytes.HasPrefix(rest, []byte("//")):
			n := lineLength(rest)
			out = append(out, span{i, i + n})
			i += n
		case bytes.HasPrefix(rest, []byte("/*")):
			n := 2 + past(rest[2:], []byte("*/"))
			out = append(out, span{i, i + n})
			i += n
		default:
			i++
		}
	}
	return out
}

// endOfString returns the offset after the string that begins at i; a line break ends it too.
func endOfString(src []byte, i int) int {
	quote := src[i]
	for i++; i < len(src) && src[i] != '\n'; i++ {
		switch src[i] {
		case '\\':
			i++
		case quote:
			return i + 1
		}
	}
	return min(i, len(src))
}

// past returns the offset after the first sep, or the length of b.
func past(b, sep []byte) int {
	if i := bytes.Index(b, sep); i >= 0 {
		return i + len(sep)
	}
	return len(b)
}

func lineLength(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i
	}
	return len(b)
}

func markdownComments(src []byte) []span {
	var out []span
	for i := 0; i < len(src); {
		at := bytes.Index(src[i:], []byte("<!--"))
		if at < 0 {
			break
		}
		end := i + at + past(src[i+at:], []byte("-->"))
		out = append(out, span{i + at, end})
		i = end
	}
	return out
}

// hashLines knows only lines that are nothing but a comment.
func hashLines(src []byte) []span {
	var out []span
	for at := 0; at < len(src); {
		n := lineLength(src[at:])
		if strings.HasPrefix(strings.TrimSpace(string(src[at:at+n])), "#") {
			out = append(out, span{at, at + n})
		}
		at += n + 1
	}
	return out
}

var heredoc = regexp.MustCompile(`<<-?\s*(?:'(\w+)'|"(\w+)"|\\?(\w+))`)

// shellComments knows # at the start of a word, outside quotes and here-documents.
func shellComments(src []byte) []span {
	var out []span
	var quote byte
	until := ""
	for at := 0; at < len(src); {
		n := lineLength(src[at:])
		line := src[at : at+n]
		if until != "" {
			if strings.TrimSpace(string(line)) == until {
				until = ""
			}
			at += n + 1
			continue
		}
		var hash int
		hash, quote = hashOutsideQuotes(line, quote)
		if hash >= 0 {
			out = append(out, span{at + hash, at + n})
			line = line[:hash]
		}
		if m := heredoc.FindSubmatch(line); m != nil && quote == 0 {
			until = string(m[1]) + string(m[2]) + string(m[3])
		}
		at += n + 1
	}
	return out
}

// hashOutsideQuotes returns the offset of the # that begins a comment, or -1, and the quote that is open at the end of the line.
func hashOutsideQuotes(line []byte, quote byte) (int, byte) {
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quote != '\'':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t'):
			return i, 0
		}
	}
	return -1, quote
}
