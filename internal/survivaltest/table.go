package survivaltest

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// Row is one behaviour and the Retry-After that it sends.
type Row struct {
	Behaviour  credentialtest.Behaviour
	RetryAfter time.Duration
}

// Rows are all known behaviours.
func Rows() []Row {
	var rows []Row
	for _, b := range credentialtest.Behaviours() {
		r := Row{Behaviour: b}
		for _, seconds := range []time.Duration{20, 30} {
			if strings.HasSuffix(b.Name, fmt.Sprintf("with Retry-After %d", seconds)) {
				r.RetryAfter = seconds * time.Second
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// WriteTable writes the cells of one credential, a line for each behaviour: the time
// until the token, how late that is, and the requests.
func WriteTable(w io.Writer, title string, cells []Cell) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\t%s\n", title, strings.Join(headings(cells), "\t"))
	for _, name := range behaviours(cells) {
		fmt.Fprint(t, name)
		for _, c := range cells {
			if c.Behaviour == name {
				fmt.Fprintf(t, "\t%s", c)
			}
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

// String is the cell's text in a table.
func (c Cell) String() string {
	if !c.Survived {
		return fmt.Sprintf("FAIL %.1fs (%d)", c.Took.Seconds(), c.Requests)
	}
	return fmt.Sprintf("%.1fs +%.1f (%d)", c.Took.Seconds(), c.Late.Seconds(), c.Requests)
}

func headings(cells []Cell) []string {
	var out []string
	for _, c := range cells {
		if h := c.Window.String(); !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

func behaviours(cells []Cell) []string {
	var out []string
	for _, c := range cells {
		if !slices.Contains(out, c.Behaviour) {
			out = append(out, c.Behaviour)
		}
	}
	return out
}

// Summary counts the cells survived and the worst delay among them.
func Summary(cells []Cell) (survived int, latest time.Duration) {
	for _, c := range cells {
		if c.Survived {
			survived++
			latest = max(latest, c.Late)
		}
	}
	return survived, latest
}
