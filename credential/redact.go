package credential

import (
	"regexp"
	"strings"
)

// maxText bounds what is kept of an answer's text.
const maxText = 2048

// jwtLike matches signed and unsigned JWTs, whole or cut off.
var jwtLike = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){0,4}`)

// secretParam matches the values of parameters that carry secrets.
var secretParam = regexp.MustCompile(`(?i)("?(?:access_token|refresh_token|client_assertion|client_secret|assertion|id_token)"?\s*[=:]\s*"?)[^"&\s,}]+`)

// redact removes tokens and assertions from text that others wrote.
func redact(s string) string {
	s = jwtLike.ReplaceAllString(s, "[redacted]")
	return secretParam.ReplaceAllString(s, "${1}[redacted]")
}

// oneLine folds all white space into single blanks and bounds the length.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}
