package catalog

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes the catalog for a pull request: a summary, clusters, findings, needs.
func (c *Catalog) WriteMarkdown(w io.Writer, opts *ReportOptions) error {
	b := bufio.NewWriter(w)
	b.WriteString("# Pod Identity in the fleet\n\n" + c.summary() + "\n\n## Clusters\n\n")
	markdownRow(b, "Cluster", "Region", "Mode", "Needs", "Findings", "Coverage")
	b.WriteString("|---|---|---|--:|--:|---|\n")
	counts := c.Counts()
	for i, cluster := range sortedClusters(c.Clusters) {
		n := counts.PerCluster[i]
		markdownRow(b, cluster.Name, cluster.Region, string(cluster.PodIdentityMode), fmt.Sprint(n.Needs), fmt.Sprint(n.Findings), coverageWord(cluster.Coverage))
	}
	b.WriteString("\n")
	findingsMarkdown(b, opts.orDefault().listed(c.Findings))
	b.WriteString("\n## Needs\n\n")
	markdownRow(b, "Cluster", "Namespace", "Service account", "Identity", "State", "Workloads")
	b.WriteString("|---|---|---|---|---|---|\n")
	for _, n := range c.Needs {
		markdownRow(b, n.Cluster, n.Namespace, n.ServiceAccount, n.Identity.label(), string(n.State), n.workloads())
	}
	return b.Flush()
}

// WriteFindingsMarkdown writes a table of findings alone, the hardest first. Other planners' findings are written with it too.
func WriteFindingsMarkdown(w io.Writer, findings []Finding, opts *ReportOptions) error {
	b := bufio.NewWriter(w)
	findingsMarkdown(b, opts.orDefault().listed(findings))
	return b.Flush()
}

func findingsMarkdown(b *bufio.Writer, findings []Finding) {
	b.WriteString("## Findings\n\n")
	if len(findings) == 0 {
		b.WriteString("None.\n")
		return
	}
	markdownRow(b, "Severity", "Code", "Cluster", "Namespace", "Object", "What", "Remedy")
	b.WriteString("|---|---|---|---|---|---|---|\n")
	for _, f := range findings {
		markdownRow(b, string(f.Severity), string(f.Code), f.Cluster, f.Namespace, f.Object, f.Message, f.Remedy)
	}
}

// markdown makes text harmless inside a table cell.
func markdown(s string) string { return escapeMarkdown.Replace(printable(s)) }

var escapeMarkdown = strings.NewReplacer(`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;",
	"&", "&amp;", "~", `\~`, "#", `\#`, "!", `\!`)

func markdownRow(b *bufio.Writer, cells ...string) {
	for _, c := range cells {
		b.WriteString("| " + markdown(c) + " ")
	}
	b.WriteString("|\n")
}
