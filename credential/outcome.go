package credential

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault says how a try failed, where the status alone does not.
type Fault string

const (
	// FaultAnswer is an answer with a status other than 200.
	FaultAnswer Fault = "answer"
	// FaultTransport is no answer: refused, reset, timed out, unresolved.
	FaultTransport Fault = "transport"
	// FaultUnanswered is a request still open after the patience of one try. It stays open beside its successor.
	FaultUnanswered Fault = "unanswered"
	// FaultDiscovery is a 200 to the question where tokens are to be had that does not say so: not Entra answered.
	FaultDiscovery Fault = "discovery"
	// FaultMalformed is a 200 that holds no token.
	FaultMalformed Fault = "malformed"
	// FaultIdentity is a token of another identity.
	FaultIdentity Fault = "identity"
	// FaultOpaque is a token that cannot be shown to be the expected identity's.
	FaultOpaque Fault = "opaque"
	// FaultFile is a token file that cannot be used.
	FaultFile Fault = "file"
	// FaultOther is an error that says nothing about a request.
	FaultOther Fault = "other"
)

// outcome is what a failed try showed: the input of the decision table.
type outcome struct {
	source     Source
	fault      Fault
	status     int
	codes      []int
	text       string // one line, redacted and bounded
	retryAfter time.Duration
	err        error
}

// identify says who wrote a response of the metadata endpoint. Observed headers, not contracts.
func identify(h http.Header) Source {
	server := h.Get("Server")
	switch {
	case strings.HasPrefix(server, "IMDS/"):
		return SourceIMDS
	case strings.HasPrefix(server, "azure-workload-identity/proxy"):
		return SourceProxy
	case server == "" && strings.HasPrefix(h.Get("Content-Type"), "text/plain") && h.Get("X-Content-Type-Options") == "nosniff":
		return SourceNMI
	}
	return SourceMetadata
}

var aadsts = regexp.MustCompile(`AADSTS(\d{4,8})\b`)

// readCodes finds Entra's error codes: error_codes of a JSON body, else AADSTS
// numbers in the text, as the migration proxy and NMI quote them.
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
func readCodes(body []byte) []int {
	var raw struct {
		Codes []int `json:"error_codes"`
	}
	if json.Unmarshal(body, &raw) == nil && len(raw.Codes) > 0 {
		return raw.Codes
	}
	var codes []int
	for _, m := range aadsts.FindAllSubmatch(body, 8) {
		if n, err := strconv.Atoi(string(m[1])); err == nil && !slices.Contains(codes, n) {
			codes = append(codes, n)
		}
	}
	return codes
}

// readText is what an answer says: Entra's description, or the text as it is.
func readText(body []byte) string {
	var raw struct {
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &raw) == nil && raw.Description != "" {
		return oneLine(redact(raw.Description))
	}
	return oneLine(redact(string(body)))
}

// maxRetryAfter bounds a Retry-After nobody can mean.
const maxRetryAfter = time.Hour

// readRetryAfter reads the headers that azcore reads. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
func readRetryAfter(h http.Header, now time.Time) time.Duration {
	for _, f := range []struct {
		name string
		unit time.Duration
	}{{"retry-after-ms", time.Millisecond}, {"x-ms-retry-after-ms", time.Millisecond}, {"Retry-After", time.Second}} {
		v := strings.TrimSpace(h.Get(f.name))
		if n, err := strconv.ParseInt(v, 10, 32); err == nil && n > 0 {
			return min(time.Duration(n)*f.unit, maxRetryAfter)
		}
		if at, err := http.ParseTime(v); err == nil && at.After(now) {
			return min(at.Sub(now), maxRetryAfter)
		}
	}
	return 0
}
