package catalog

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// WriteText writes the matrix for a terminal: a line for each row, a column for each cluster. Within a row every identity has a letter,
// A for the first, so that a line of one letter is a line without drift; a dot is a cluster that does not use the binding.
func (m Matrix) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	t := table{head: append([]string{"NAMESPACE", "BINDING", "SERVICE ACCOUNT"}, printables(m.Clusters)...)}
	for _, row := range m.Rows {
		t.row(append([]string{row.Namespace, row.name(), row.ServiceAccount}, row.letters()...)...)
	}
	t.write(b)
	return b.Flush()
}

// WriteMarkdown writes the matrix as a table, with the letters of [Matrix.WriteText].
func (m Matrix) WriteMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	markdownRow(b, append([]string{"Namespace", "Binding", "Service account"}, m.Clusters...)...)
	b.WriteString(strings.Repeat("|---", 3+len(m.Clusters)) + "|\n")
	for _, row := range m.Rows {
		markdownRow(b, append([]string{row.Namespace, row.name(), row.ServiceAccount}, row.letters()...)...)
	}
	return b.Flush()
}

// name is the binding, or a dash for needs that have none.
func (r MatrixRow) name() string {
	if r.Binding == "" {
		return "-"
	}
	return r.Binding
}

// letters gives each cell the letters of its identities.
func (r MatrixRow) letters() []string {
	known := map[string]string{}
	out := make([]string, 0, len(r.Cells))
	for _, cell := range r.Cells {
		var letters []string
		for _, n := range cell {
			k := n.Identity.Key()
			if known[k] == "" {
				known[k] = letter(len(known))
			}
			letters = append(letters, known[k])
		}
		if len(letters) == 0 {
			letters = []string{"."}
		}
		out = append(out, strings.Join(letters, "+"))
	}
	return out
}

// letter counts A to Z, then A1, B1 and so on.
func letter(n int) string {
	name := string(rune('A' + n%26))
	if n >= 26 {
		name += strconv.Itoa(n / 26)
	}
	return name
}

func printables(in []string) []string {
	out := make([]string, 0, len(in))
	for _, s := range in {
		out = append(out, shorten(printable(s)))
	}
	return out
}
