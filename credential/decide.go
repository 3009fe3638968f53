package credential

import (
	"slices"
	"strings"
)

// Verdict is what to do about an outcome.
type Verdict string

const (
	// Retry inside the window.
	Retry Verdict = "retry"
	// RetryBriefly retries for at most 10 s of the window.
	RetryBriefly Verdict = "retryBriefly"
	// RetryOnce retries a single time.
	RetryOnce Verdict = "retryOnce"
	// Permanent returns the error at once.
	Permanent Verdict = "permanent"
)

// Pace is how fast retries follow each other.
type Pace string

const (
	// Quick suits endpoints on the node: a new request within 1.5 s, always.
	Quick Pace = "quick"
	// Patient suits propagation in Entra, whose negative caching punishes hurry:
	// 1 s, then growing to 8 s.
	Patient Pace = "patient"
)

// Decision is a row of the decision table. The first row that matches decides.
type Decision struct {
	Name string

	// The match: empty fields match everything.
	Sources  []Source
	Faults   []Fault
	Statuses []int    // 500 stands for every status from 500 to 599
	Codes    []int    // AADSTS codes, any of them
	Contains []string // any of these in the text

	// What follows.
	Verdict Verdict
	Pace    Pace   // empty: Quick
	Meaning string // what it means, for a person
	Remedy  string // what to do

	NotFederated bool // a Fallback may start
}

// Decisions returns the decision table, for review and for documentation. The slice
// is the caller's; changing it changes nothing.
func Decisions() []Decision {
	return slices.Concat(codeDecisions(), metadataDecisions(), otherDecisions())
}

// decide finds the row for an outcome. The last row matches everything.
func decide(o outcome) Decision {
	rows := decisions()
	i := slices.IndexFunc(rows, func(d Decision) bool { return d.matches(o) })
	return rows[i]
}

func (d Decision) matches(o outcome) bool {
	return (len(d.Sources) == 0 || slices.Contains(d.Sources, o.source)) &&
		(len(d.Faults) == 0 || slices.Contains(d.Faults, o.fault)) &&
		(len(d.Statuses) == 0 || slices.ContainsFunc(d.Statuses, func(s int) bool {
			return s == o.status || s == 500 && o.status >= 500 && o.status < 600
		})) &&
		(len(d.Codes) == 0 || slices.ContainsFunc(o.codes, func(c int) bool { return slices.Contains(d.Codes, c) })) &&
		(len(d.Contains) == 0 || slices.ContainsFunc(d.Contains, func(s string) bool { return strings.Contains(o.text, s) }))
}
