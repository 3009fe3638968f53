package federation

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Text writes the trust both ways: for each cluster what it can become, for each identity who can become it.
func (t *Trust) Text(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	b := t.Blast()
	fmt.Fprintln(tw, "CLUSTER\tREGION\tIDENTITIES\tREACHES OF OTHER CLUSTERS\tOF OTHER REGIONS")
	for _, c := range b.Clusters {
		fmt.Fprintf(tw, "%s\t%s\t%d\t%d\t%d\n", printable(c.Cluster), printable(c.Region), len(c.Identities), c.Foreign, c.OtherRegion)
	}
	fmt.Fprintln(tw)
	fmt.Fprintln(tw, "IDENTITY\tCLUSTERS\tTRUSTED ELSEWHERE")
	for _, identity := range t.allIdentities() {
		fmt.Fprintf(tw, "%s\t%s\t%d\n", printable(identity), printable(strings.Join(t.Clusters(identity), ", ")), t.Elsewhere[identity])
	}
	return tw.Flush()
}

// Markdown writes the matrix as a table: a row for each identity, a column for each cluster, in each cell how many service accounts of the
// cluster can become the identity.
func (t *Trust) Markdown(w io.Writer) error {
	out := bufio.NewWriter(w)
	clusters := t.distinct(func(e *Edge) (string, bool) { return e.Cluster, true })
	cells := map[string]map[string]int{}
	for i := range t.Edges {
		count(cells, t.Edges[i].Identity, t.Edges[i].Cluster)
	}
	fmt.Fprint(out, "| identity |")
	for _, c := range clusters {
		fmt.Fprintf(out, " %s |", cell(c))
	}
	fmt.Fprintf(out, "\n|---|%s\n", strings.Repeat("---:|", len(clusters)))
	for _, identity := range t.allIdentities() {
		fmt.Fprintf(out, "| %s |", cell(nameOfKey(identity)))
		for _, c := range clusters {
			if n := cells[identity][c]; n > 0 {
				fmt.Fprintf(out, " %d |", n)
			} else {
				fmt.Fprint(out, "  |")
			}
		}
		fmt.Fprintln(out)
	}
	return out.Flush()
}

// allIdentities are those that trust anything, by key.
func (t *Trust) allIdentities() []string {
	all := map[string]bool{}
	for i := range t.Edges {
		all[t.Edges[i].Identity] = true
	}
	for identity := range t.Elsewhere {
		all[identity] = true
	}
	return sortedKeys(all)
}

func nameOfKey(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }

// cell keeps a value from breaking out of its cell.
func cell(s string) string { return strings.ReplaceAll(printable(s), "|", `\|`) }
