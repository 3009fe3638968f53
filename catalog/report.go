package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// ReportOptions changes how reports are written; nil and the zero value give everything, without colour.
type ReportOptions struct {
	// Colour marks severities with ANSI colours; ask for it only where the writer is a terminal. Text reports alone have it.
	Colour bool
	// Least is the mildest severity that is listed; empty means Info. Counts always count all.
	Least Severity
}

func (o *ReportOptions) orDefault() ReportOptions {
	if o == nil {
		return ReportOptions{}
	}
	return *o
}

// listed returns the findings to list, the hardest first.
func (o ReportOptions) listed(all []Finding) []Finding {
	var out []Finding
	for _, f := range all {
		if o.Least == "" || f.Severity.Rank() >= o.Least.Rank() {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(b.Severity.Rank()-a.Severity.Rank(), compareFindings(a, b))
	})
	return out
}

// summary says the catalog in one line.
func (c *Catalog) summary() string {
	n := c.Counts()
	line := fmt.Sprintf("%s, %s of %s: %d on Pod Identity, %d on both, %d on Workload Identity. %s: %d blocking, %s, %s, %d info.",
		plural(n.Clusters, "cluster"), plural(n.Needs, "need"), plural(n.ServiceAccounts, "service account"),
		n.ByState[StatePodIdentity], n.ByState[StateDual], n.ByState[StateWorkloadIdentity], plural(n.Findings, "finding"),
		n.BySeverity[Blocking], plural(n.BySeverity[Error], "error"), plural(n.BySeverity[Warning], "warning"), n.BySeverity[Info])
	if n.Incomplete > 0 {
		line += fmt.Sprintf(" INCOMPLETE: reads failed in %s, so needs may be missing.", plural(n.Incomplete, "cluster"))
	}
	return line
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// printable makes hostile text harmless on a terminal and in a table: control characters, line ends, and characters that turn the
// direction of text or take no room are written as escapes.
func printable(s string) string {
	bad := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	if strings.IndexFunc(s, bad) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !bad(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// workloads names the workloads of a need in one cell.
func (n Need) workloads() string {
	names := make([]string, 0, len(n.Workloads))
	for _, w := range n.Workloads {
		names = append(names, w.String())
	}
	return list(names)
}

// label names an identity in one cell.
func (i Identity) label() string { return cmp.Or(i.Name, i.ClientID, i.ResourceID) }

func coverageWord(c Coverage) string {
	if c.Complete {
		return "complete"
	}
	return plural(len(c.Gaps), "gap")
}
