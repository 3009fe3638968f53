package catalog

import (
	"cmp"
	"strings"
)

// Finding is something about the estate that a person should know or must decide. It is not an error of the scan.
type Finding struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`
	Cluster  string   `json:"cluster"`
	// Namespace is empty for what has none.
	Namespace string `json:"namespace"`
	// Object is Kind/name.
	Object  string `json:"object"`
	Message string `json:"message"`
	// Remedy says what to do.
	Remedy string `json:"remedy"`
}

// Severity orders findings.
type Severity string

const (
	// Info needs no action.
	Info Severity = "info"
	// Warning should be looked at before the namespace moves.
	Warning Severity = "warning"
	// Error is broken today or will break when the namespace moves.
	Error Severity = "error"
	// Blocking keeps the objects it names out of every plan until a person has decided.
	Blocking Severity = "blocking"
)

// Severities lists them from the mildest to the hardest.
func Severities() []Severity { return []Severity{Info, Warning, Error, Blocking} }

// Rank orders severities: 0 for Info up to 3 for Blocking, and -1 for a string that is none.
func (s Severity) Rank() int {
	for i, known := range Severities() {
		if s == known {
			return i
		}
	}
	return -1
}

// compareFindings sorts by cluster, namespace, code, object, then by what is left, so that equal sets print equal.
func compareFindings(a, b Finding) int {
	return cmp.Or(
		strings.Compare(a.Cluster, b.Cluster),
		strings.Compare(a.Namespace, b.Namespace),
		strings.Compare(string(a.Code), string(b.Code)),
		strings.Compare(a.Object, b.Object),
		strings.Compare(string(a.Severity), string(b.Severity)),
		strings.Compare(a.Message, b.Message),
		strings.Compare(a.Remedy, b.Remedy),
	)
}
