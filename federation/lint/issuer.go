package lint

import (
	"regexp"
	"strings"
)

// The shapes of AKS issuers, current https://{region}.oic.prod-aks.azure.com/{tenant}/{guid}/ and legacy
// https://oidc.prod-aks.azure.com/{guid}/ (https://learn.microsoft.com/azure/aks/use-oidc-issuer), under azure.com, azure.us and
// azure.cn; other top-level names are accepted, for clouds that are not public.
var (
	// candidate is where an issuer may begin: any URL, or the host of an AKS issuer without its scheme.
	candidate = regexp.MustCompile(`(?i)https?(?::|%3a)(?:\\?/|%2f){2}|(?:[a-z0-9})>-]+\.oic|oidc)\.prod-aks\.`)
	aksHost   = regexp.MustCompile(`(?i)(?:\.oic|(?:^|/)oidc)\.prod-aks\.[a-z0-9.-]+`)
	guid      = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	// built are the marks of interpolation: ${x}, $(x), $X, $1, {{ x }}, and the verbs of format functions.
	built   = regexp.MustCompile(`\$[{(A-Za-z0-9_]|\{\{|%[sv]|%\[`)
	escapes = strings.NewReplacer(`\/`, "/", "%2f", "/", "%3a", ":")
)

// hit is one candidate within a line, as byte offsets.
type hit struct {
	start, end int
	text       string
}

// hits returns the URLs and AKS hosts of a line, left to right, none within another.
func hits(line string) []hit {
	var out []hit
	for at := 0; at < len(line); {
		loc := candidate.FindStringIndex(line[at:])
		if loc == nil {
			break
		}
		start, end := at+loc[0], extend(line, at+loc[1])
		out = append(out, hit{start: start, end: end, text: line[start:end]})
		at = end
	}
	return out
}

// extend returns the end of the URL that goes on at i: quotes, white space and closing brackets end it, except within ${…}, $(…),
// {{…}}, {…} and <…>.
func extend(line string, i int) int {
	depth := 0
	for ; i < len(line); i++ {
		switch c := line[i]; {
		case c == '{' || c == '(' || c == '<':
			if c == '(' && (i == 0 || line[i-1] != '$') && depth == 0 {
				return i
			}
			depth++
		case c == '}' || c == ')' || c == '>':
			if depth == 0 {
				return i
			}
			depth--
		case depth > 0:
			if c == '\r' {
				return i
			}
		case c == '\\' && i+1 < len(line) && line[i+1] == '/':
		case c <= ' ' || strings.IndexByte("\"'`|,;]\\^#", c) >= 0:
			return trimDot(line, i)
		}
	}
	return trimDot(line, i)
}

// trimDot leaves out the full stop that ends a sentence.
func trimDot(line string, end int) int {
	for end > 0 && (line[end-1] == '.' || line[end-1] == ':') {
		end--
	}
	return end
}

// kind is what a candidate turned out to be.
type kind int

const (
	other kind = iota
	literalIssuer
	builtIssuer
)

// classify tells an AKS issuer from other URLs, and a literal from one that is built from parts or is a mere placeholder.
func classify(text string) kind {
	plain := escapes.Replace(lowerASCII(text))
	host := aksHost.FindStringIndex(plain)
	switch {
	case host == nil:
		return other
	case built.MatchString(text):
		return builtIssuer
	case guid.MatchString(plain[host[1]:]):
		return literalIssuer
	}
	return other
}

// exact returns the URL without escapes and without the parts of a discovery document's or a key set's URL.
func exact(text string) string {
	if strings.Contains(text, `\/`) {
		text = strings.ReplaceAll(text, `\/`, "/")
	}
	if strings.Contains(text, "%") {
		text = strings.NewReplacer("%2F", "/", "%2f", "/", "%3A", ":", "%3a", ":").Replace(text)
	}
	for _, suffix := range []string{".well-known/openid-configuration", "openid/v1/jwks"} {
		text = strings.TrimSuffix(text, suffix)
	}
	return text
}

// normal returns what two spellings of one issuer share: lower case, no scheme, no slash at the end.
func normal(issuer string) string {
	s := lowerASCII(exact(issuer))
	s = strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://")
	return strings.TrimRight(s, "/")
}

// lowerASCII lowers the ASCII letters alone, so that lengths stay.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
