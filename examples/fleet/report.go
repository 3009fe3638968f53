package main

import (
	"cmp"
	_ "embed"
	"html/template"
	"io"
	"slices"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

//go:embed report.html.tmpl
var page string

// report is what the HTML page shows.
type report struct {
	*result
	Counts     catalog.Counts
	Severities []severity
	Matrix     catalog.Matrix
	Findings   []catalog.Finding
	Identities []identity
}

type severity struct {
	Severity catalog.Severity
	Count    int
}

type identity struct {
	Plan    federation.IdentityPlan
	Changes []federation.Change
}

// writeHTML writes one self-contained page.
func (r *result) writeHTML(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{"mark": mark}).Parse(page)
	if err != nil {
		return err
	}
	out := report{result: r, Counts: r.Catalog.Counts(), Matrix: r.Catalog.Matrix(nil), Findings: r.findings()}
	slices.SortStableFunc(out.Findings, func(a, b catalog.Finding) int { return cmp.Compare(b.Severity.Rank(), a.Severity.Rank()) })
	for _, s := range []catalog.Severity{catalog.Blocking, catalog.Error, catalog.Warning, catalog.Info} {
		n := severity{Severity: s}
		for _, f := range out.Findings {
			if f.Severity == s {
				n.Count++
			}
		}
		out.Severities = append(out.Severities, n)
	}
	for id, changes := range r.Federation.ByIdentity() {
		out.Identities = append(out.Identities, identity{id, changes})
	}
	return t.Execute(w, out)
}

func mark(s catalog.State) string {
	switch s {
	case catalog.StatePodIdentity:
		return "●"
	case catalog.StateDual:
		return "◐"
	case catalog.StateWorkloadIdentity:
		return "○"
	}
	return "?"
}
