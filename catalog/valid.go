package catalog

import (
	"strings"
	"unicode/utf8"
)

// The names that Kubernetes accepts: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
const (
	maxSubdomain = 253
	maxLabel     = 63
)

// validName reports whether s can be the name of an object: a DNS subdomain.
func validName(s string) bool {
	if len(s) > maxSubdomain || s == "" {
		return false
	}
	for part := range strings.SplitSeq(s, ".") {
		if !dashed(part, false) {
			return false
		}
	}
	return true
}

// validNamespace reports whether s can be the name of a namespace: a DNS label.
func validNamespace(s string) bool { return len(s) <= maxLabel && dashed(s, false) }

// validLabelValue reports whether a pod can carry s as the value of a label; empty is valid.
func validLabelValue(s string) bool { return s == "" || len(s) <= maxLabel && dashed(s, true) }

// dashed reports whether s begins and ends with a letter or digit and holds nothing else inside but dashes, or with wide also
// capitals, dots and underscores.
func dashed(s string, wide bool) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', wide && 'A' <= c && c <= 'Z':
		case c == '-', wide && (c == '.' || c == '_'):
			if i == 0 || i == len(s)-1 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// text makes s survive JSON unchanged.
func text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "�")
}

// normalRegion folds the two spellings of a region, "East US" and "eastus".
func normalRegion(s string) string { return strings.ToLower(strings.ReplaceAll(s, " ", "")) }

// sameID compares resource IDs and client IDs as Azure does.
func sameID(a, b string) bool { return strings.ToLower(a) == strings.ToLower(b) } //nolint:staticcheck // the folding of Identity.Key, not Unicode's
