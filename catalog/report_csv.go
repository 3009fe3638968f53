package catalog

import (
	"encoding/csv"
	"io"
	"slices"
	"strings"
)

// WriteNeedsCSV writes one line for each need, under a header. Cells that a spreadsheet would run as a formula begin with an
// apostrophe (https://owasp.org/www-community/attacks/CSV_Injection); control characters are written as escapes.
func (c *Catalog) WriteNeedsCSV(w io.Writer) error {
	rows := [][]string{{"cluster", "namespace", "serviceAccount", "identityKind", "identity", "clientID", "state", "selector", "bindings", "workloads"}}
	for _, n := range c.Needs {
		names := make([]string, 0, len(n.Workloads))
		for _, w := range n.Workloads {
			names = append(names, w.String())
		}
		rows = append(rows, []string{n.Cluster, n.Namespace, n.ServiceAccount, string(n.Identity.Kind), n.Identity.ID(), n.Identity.ClientID,
			string(n.State), n.Selector, strings.Join(n.Bindings, " "), strings.Join(names, " ")})
	}
	return writeCSV(w, rows)
}

// WriteFindingsCSV writes one line for each finding, under a header, as safely as [Catalog.WriteNeedsCSV].
func (c *Catalog) WriteFindingsCSV(w io.Writer, opts *ReportOptions) error {
	rows := [][]string{{"severity", "code", "cluster", "namespace", "object", "message", "remedy"}}
	for _, f := range opts.orDefault().listed(c.Findings) {
		rows = append(rows, []string{string(f.Severity), string(f.Code), f.Cluster, f.Namespace, f.Object, f.Message, f.Remedy})
	}
	return writeCSV(w, rows)
}

func writeCSV(w io.Writer, rows [][]string) error {
	out := csv.NewWriter(w)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = harmless(cell)
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// harmless keeps a spreadsheet from running a cell.
func harmless(cell string) string {
	cell = printable(cell)
	if cell != "" && strings.ContainsRune("=+-@|%", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func sortedClusters(all []Cluster) []Cluster {
	return slices.SortedFunc(slices.Values(all), compareClusters)
}
