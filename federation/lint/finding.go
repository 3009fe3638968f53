package lint

import (
	"cmp"
	"slices"

	"github.com/wimigrate/wimigrate/catalog"
)

// Finding is one issuer in one place.
type Finding struct {
	Rule  Rule  `json:"rule"`
	Level Level `json:"level"`
	// File is the slash-separated path within the scanned tree.
	File string `json:"file"`
	// Line and Column count from 1, columns in Unicode code points; EndColumn is the column after the last character.
	Line      int `json:"line"`
	Column    int `json:"column"`
	EndColumn int `json:"endColumn"`
	// Text is the issuer as written.
	Text string `json:"text"`
	// Cluster is the cluster of the catalog that has the issuer; empty for none or without a catalog.
	Cluster string `json:"cluster,omitempty"`
	Message string `json:"message"`
	// Instead is what to write.
	Instead string `json:"instead"`
	// Ignored is true when a comment says that a person has decided; Reason is what the comment says.
	Ignored bool   `json:"ignored,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// Fails says whether the finding fails the run: its level is error and no comment ignores it.
func (f Finding) Fails() bool { return f.Level == LevelError && !f.Ignored }

// Report is the outcome of [Scan]: plain data, sorted by file, line and column.
type Report struct {
	// Files is the number of files read.
	Files    int       `json:"files"`
	Findings []Finding `json:"findings"`
	// Gaps are the files and folders that could not be read. A report with gaps is not clean.
	Gaps []catalog.Gap `json:"gaps"`
}

// Failing returns the findings that fail the run.
func (r *Report) Failing() []Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return !f.Fails() })
}

func (r *Report) sort() {
	slices.SortFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	slices.SortFunc(r.Gaps, func(a, b catalog.Gap) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Reason, b.Reason))
	})
}

// The exit codes that [ExitCode] returns.
const (
	// ExitClean: every file was read and nothing fails.
	ExitClean = 0
	// ExitFailed: the scan itself failed.
	ExitFailed = 1
	// ExitFindings: at least one finding fails.
	ExitFindings = 3
	// ExitIncomplete: nothing fails in what was read, but something could not be read.
	ExitIncomplete = 8
)

// ExitCode returns the exit code for a CI job from what [Scan] returned: [ExitFailed] before [ExitFindings] before
// [ExitIncomplete] before [ExitClean]. A nil report is a failure.
func ExitCode(r *Report, err error) int {
	switch {
	case err != nil || r == nil:
		return ExitFailed
	case slices.ContainsFunc(r.Findings, Finding.Fails):
		return ExitFindings
	case len(r.Gaps) > 0:
		return ExitIncomplete
	}
	return ExitClean
}
