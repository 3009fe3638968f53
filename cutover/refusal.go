package cutover

import (
	"regexp"
	"slices"
)

// entraCodes finds Entra's error codes in an error.
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
var entraCodes = regexp.MustCompile(`AADSTS(\d{4,8})\b`)

// passingCodes are those by which Entra says that it is busy or broken itself, and may be asked again.
var passingCodes = []string{"90006", "90012", "90024", "90033", "90055", "90090"}

// refusedByEntra reports whether an error is Entra's word against a token. An Entra that does not answer, is throttled or is broken has
// said nothing: an error without a code of its own, or with a passing one.
func refusedByEntra(err error) bool {
	codes := entraCodes.FindAllStringSubmatch(err.Error(), -1)
	return slices.ContainsFunc(codes, func(m []string) bool { return !slices.Contains(passingCodes, m[1]) })
}
