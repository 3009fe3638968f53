package cutover

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// Show writes the plan for a person: the waves with their units, what each unit writes, and what is blocked and why. It works for any
// plan, spent and stale ones too.
func (p *Plan) Show(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Cutover plan: %s in %s; %d blocked. Digest %.12s.\n", plural(len(p.Units), "unit"), plural(len(p.Waves), "wave"), len(p.Blocked), p.Digest)
	for _, wave := range p.Waves {
		fmt.Fprintf(&b, "\nWave %q\n", clean(wave.Name))
		p.showUnits(&b, wave.Units)
	}
	if len(p.Blocked) > 0 {
		b.WriteString("\nBlocked\n")
	}
	for _, x := range p.Blocked {
		fmt.Fprintf(&b, "  %s/%s %s\n", clean(x.Cluster), clean(x.Namespace), clean(strings.Join(x.Accounts, ", ")))
		for _, r := range x.Reasons {
			fmt.Fprintf(&b, "    %s: %s\n      → %s\n", r.Code, clean(r.Message), clean(r.Remedy))
		}
	}
	for line := range strings.Lines(b.String()) {
		if _, err := io.WriteString(w, strings.TrimRight(line, " \n")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) showUnits(w io.Writer, ids []string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, id := range ids {
		u := p.Unit(id)
		if u == nil {
			continue
		}
		var workloads []string
		for _, x := range u.Workloads {
			workloads = append(workloads, x.String())
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%d writes\tsoak %s\t%s\n",
			clean(u.ID), u.way(), clean(strings.Join(workloads, ", ")), u.writes(), hours(u.Soak), clean(strings.Join(u.Risks, "; ")))
	}
	_ = t.Flush() //nolint:errcheck // a strings.Builder takes everything
}

// way is the mode of a unit, and its strategy unless that is the default.
func (u *Unit) way() string {
	if u.Strategy == (Strategy{}) {
		return string(u.Mode)
	}
	return string(u.Mode) + ", " + u.Strategy.String()
}

// writes counts the edits of a unit.
func (u *Unit) writes() int {
	n := 0
	for _, s := range u.Steps {
		n += len(s.Edits)
	}
	return n
}

func hours(d time.Duration) string {
	if d%time.Minute != 0 {
		return d.String()
	}
	return strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m")
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// clean makes hostile names harmless on a terminal: what cannot be printed is escaped.
func clean(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return s
	}
	return strings.Trim(fmt.Sprintf("%+q", s), `"`)
}
