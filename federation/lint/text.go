package lint

import (
	"bufio"
	"fmt"
	"io"
)

// WriteText writes the report for people: one line per finding, "file:line:column: level: message [rule]", with what to write
// instead below it, then the gaps, then a summary. Ignored findings are counted only.
func WriteText(w io.Writer, r *Report) error {
	out := bufio.NewWriter(w)
	ignored := 0
	for _, f := range r.Findings {
		if f.Ignored {
			ignored++
			continue
		}
		fmt.Fprintf(out, "%s:%d:%d: %s: %s [%s]\n    found:   %s\n    instead: %s\n",
			printable(f.File), f.Line, f.Column, f.Level, printable(f.Message), f.Rule, printable(f.Text), printable(f.Instead))
	}
	for _, g := range r.Gaps {
		fmt.Fprintf(out, "%s: not read: %s\n", printable(g.Resource), printable(g.Reason))
	}
	fmt.Fprintf(out, "%d files read, %d findings fail, %d are notes, %d are ignored, %d files or folders not read\n",
		r.Files, len(r.Failing()), len(r.Findings)-len(r.Failing())-ignored, ignored, len(r.Gaps))
	return out.Flush()
}

// printable keeps control characters of scanned text off the terminal.
func printable(s string) string {
	out := []rune(s)
	for i, c := range out {
		if c < ' ' || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029 {
			out[i] = '\uFFFD'
		}
	}
	return string(out)
}
