package catalog

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// WriteText writes the catalog for a terminal: clusters, needs, findings with the hardest first, and a summary.
func (c *Catalog) WriteText(w io.Writer, opts *ReportOptions) error {
	o := opts.orDefault()
	b := bufio.NewWriter(w)
	counts := c.Counts()
	clusters := table{head: []string{"CLUSTER", "REGION", "MODE", "NEEDS", "FINDINGS", "COVERAGE"}, right: map[int]bool{3: true, 4: true}}
	for i, cluster := range sortedClusters(c.Clusters) {
		n := counts.PerCluster[i]
		clusters.row(cluster.Name, cluster.Region, string(cluster.PodIdentityMode), strconv.Itoa(n.Needs), strconv.Itoa(n.Findings), coverageWord(cluster.Coverage))
	}
	clusters.write(b)
	needs := table{head: []string{"CLUSTER", "NAMESPACE", "SERVICE ACCOUNT", "IDENTITY", "STATE", "WORKLOADS"}}
	for _, n := range c.Needs {
		needs.row(n.Cluster, n.Namespace, n.ServiceAccount, n.Identity.label(), string(n.State), n.workloads())
	}
	needs.write(b)
	writeFindings(b, o, c.Findings)
	b.WriteString(c.summary() + "\n")
	return b.Flush()
}

// WriteFindingsText writes findings alone, the hardest first, as [Catalog.WriteText] does: those of other planners, for one.
func WriteFindingsText(w io.Writer, findings []Finding, opts *ReportOptions) error {
	b := bufio.NewWriter(w)
	writeFindings(b, opts.orDefault(), findings)
	return b.Flush()
}

func writeFindings(b *bufio.Writer, o ReportOptions, all []Finding) {
	for _, f := range o.listed(all) {
		where := printable(f.Cluster)
		if f.Namespace != "" {
			where += "/" + printable(f.Namespace)
		}
		b.WriteString(o.paint(f.Severity) + " " + printable(string(f.Code)) + "  " + where + "  " + printable(f.Object) + "\n")
		b.WriteString("         " + printable(f.Message) + "\n")
		b.WriteString("         → " + printable(f.Remedy) + "\n")
	}
	if len(all) > 0 {
		b.WriteString("\n")
	}
}

// paint pads a severity to one width and colours it when asked.
func (o ReportOptions) paint(s Severity) string {
	word := pad(printable(string(s)), 8, false)
	if !o.Colour {
		return word
	}
	colour := map[Severity]string{Info: "36", Warning: "33", Error: "31", Blocking: "1;31"}[s]
	if colour == "" {
		return word
	}
	return "\x1b[" + colour + "m" + word + "\x1b[0m"
}

// table is text in aligned columns.
type table struct {
	head  []string
	right map[int]bool
	rows  [][]string
}

func (t *table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = shorten(printable(c))
	}
	t.rows = append(t.rows, cells)
}

// widest bounds a column: what is longer is cut in the middle. JSON and CSV have it whole.
const widest = 72

func shorten(s string) string {
	n := utf8.RuneCountInString(s)
	if n <= widest {
		return s
	}
	r := []rune(s)
	return string(r[:widest/2]) + "…" + string(r[n-widest/2+1:])
}

func (t *table) write(b *bufio.Writer) {
	widths := make([]int, len(t.head))
	all := append([][]string{t.head}, t.rows...)
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range all {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			line.WriteString(pad(cell, widths[i], t.right[i]))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	b.WriteString("\n")
}

func pad(s string, width int, right bool) string {
	gap := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
	if right {
		return gap + s
	}
	return s + gap
}
