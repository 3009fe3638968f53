package lint

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation/internal/mark"
)

// File returns the findings in one file, in order; it does no I/O. The name decides the language; a name that [Scan] would pass over
// yields nothing. Text in UTF-16 with a byte order mark is understood.
func File(name string, src []byte, opts *Options) []Finding {
	lang, ok := languageOf(name)
	if !ok {
		return nil
	}
	var cat *catalog.Catalog
	if opts != nil {
		cat = opts.Catalog
	}
	return scanFile(name, lang, decode(src), newLookup(cat))
}

func scanFile(name string, lang language, src []byte, known lookup) []Finding {
	if !candidate.Match(src) {
		return nil
	}
	var out []Finding
	noted := comments(lang, src)
	above := "" // the comment of a line that is nothing but a comment
	at := 0
	for n := 1; at < len(src); n++ {
		length := lineLength(src[at:])
		line := string(src[at : at+length])
		comment, alone := commentOf(noted, src, at, at+length)
		if lang == jsonText || lang == terraformJSON {
			comment, alone = line, strings.Contains(line, mark.Ignore) && len(hits(line)) == 0
		}
		for _, h := range hits(line) {
			f, ok := judge(lang, h, known, inside(noted, at+h.start), comment+"\n"+above)
			if !ok {
				continue
			}
			f.File, f.Line = name, n
			f.Column = 1 + utf8.RuneCountInString(line[:h.start])
			f.EndColumn = f.Column + utf8.RuneCountInString(h.text)
			out = append(out, f)
		}
		above = ""
		if alone {
			above = comment
		}
		at += length + 1
	}
	return out
}

// judge decides what a candidate is; ok is false when it is no issuer.
func judge(lang language, h hit, known lookup, commented bool, comment string) (f Finding, ok bool) {
	what := classify(h.text)
	cluster, differs := known.find(h.text)
	if what == other && cluster == nil {
		return f, false
	}
	f = Finding{Text: h.text, Rule: PastedIssuer, Instead: advise(lang, h.text, cluster)}
	if cluster != nil {
		f.Cluster = cluster.Name
	}
	switch {
	case commented:
		f.Rule = CommentedIssuer
	case what == builtIssuer:
		f.Rule = BuiltIssuer
	case known.given && (cluster == nil || differs != ""):
		f.Rule = UnknownIssuer
	case strings.Contains(comment, mark.Literal):
		f.Rule = MarkedLiteral
	}
	f.Level = f.Rule.level()
	f.Message = message(f.Rule, cluster, differs, known)
	f.Reason, f.Ignored = ignored(comment, f.Rule)
	return f, true
}

func message(r Rule, c *catalog.Cluster, differs string, known lookup) string {
	of := "a cluster"
	if c != nil {
		of = "cluster " + c.Name
	}
	switch r {
	case CommentedIssuer:
		return fmt.Sprintf("the issuer of %s stands in a comment, from where it will be copied", of)
	case BuiltIssuer:
		return "an AKS issuer is put together from parts; its last part is random and can only be read from the cluster"
	case MarkedLiteral:
		return fmt.Sprintf("the issuer of %s was rendered as a literal on request; render again when the cluster is rebuilt", of)
	case UnknownIssuer:
		switch {
		case c != nil:
			return fmt.Sprintf("the issuer of cluster %s is written %s: Entra compares byte for byte and will not match it", c.Name, differs)
		case known.complete:
			return "no cluster of the catalog has this issuer: the cluster was rebuilt or is gone, or the issuer is mistyped"
		}
		return "no cluster of the catalog is known to have this issuer, though the issuer of some is not known"
	case PastedIssuer:
	}
	return fmt.Sprintf("the issuer of %s is pasted as a string; a rebuilt cluster has another one", of)
}

var ignoreComment = regexp.MustCompile(regexp.QuoteMeta(mark.Ignore) + `[ \t]+([a-z-]+)[:,]?[ \t]*([^\r\n]*)`)

// ignored tells whether a comment ignores the rule, and the reason it gives.
func ignored(comment string, r Rule) (string, bool) {
	for _, m := range ignoreComment.FindAllStringSubmatch(comment, -1) {
		if m[1] == string(r) {
			return strings.TrimRight(strings.TrimSpace(m[2]), ` */->",`), true
		}
	}
	return "", false
}

// commentOf returns the comments within a line and whether the line holds nothing else.
func commentOf(noted []span, src []byte, start, end int) (string, bool) {
	var text strings.Builder
	at, alone := start, true
	for _, s := range noted {
		if s.end <= start || s.start >= end {
			continue
		}
		from, to := max(s.start, start), min(s.end, end)
		alone = alone && len(bytes.TrimSpace(src[at:from])) == 0
		text.Write(src[from:to])
		at = to
	}
	return text.String(), text.Len() > 0 && alone && len(bytes.TrimSpace(src[at:end])) == 0
}

func inside(noted []span, at int) bool {
	for _, s := range noted {
		if s.start <= at && at < s.end {
			return true
		}
	}
	return false
}
