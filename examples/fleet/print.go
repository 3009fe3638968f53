package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// print writes the result in the format that was asked for.
func (r *result) print(w io.Writer, c config) error {
	switch c.format {
	case "json":
		return writeJSON(w, r)
	case "markdown":
		return inTurn(w, r.markdown())
	}
	return inTurn(w, r.table(terminal(w)))
}

// section is a part of the report under a heading.
type section struct {
	heading string
	write   func(io.Writer) error
}

func (r *result) table(colour bool) []section {
	return []section{
		{"CATALOG\n", func(w io.Writer) error { return r.Catalog.WriteText(w, &catalog.ReportOptions{Colour: colour}) }},
		{"FEDERATION: what Entra must trust, topology " + r.Federation.Topology + "\n", r.writeTrust},
		{"TOPOLOGIES side by side\n", r.comparison.Text},
		{"TRUST once that is applied\n", r.trust.Text},
		{"CUTOVER once that is applied\n", r.Cutover.Show},
	}
}

// writeTrust is the federation plan with a line for each identity; federation.Plan.Show has each credential.
func (r *result) writeTrust(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "IDENTITY\tTODAY\tAFTER\tROOM\tCREATE\tREPLACE\tDELETE\tKEEP\tNOTE")
	for id, changes := range r.Federation.ByIdentity() {
		n := map[federation.Action]int{}
		for _, c := range changes {
			n[c.Action]++
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", shortID(id.ID), id.Have, id.After, id.Headroom(),
			n[federation.Create], n[federation.Replace], n[federation.Delete], n[federation.Keep], id.Blocked)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, f := range r.Federation.Findings {
		fmt.Fprintf(w, "%s %s %s\n  %s\n  → %s\n", f.Severity, f.Code, f.Object, f.Message, f.Remedy)
	}
	return nil
}

// shortID is the resource group and name of a resource ID; a client ID stays as it is.
func shortID(id string) string {
	parts := strings.Split(id, "/")
	if len(parts) < 9 {
		return id
	}
	return parts[4] + "/" + parts[len(parts)-1]
}

func (r *result) markdown() []section {
	return []section{
		{"# Catalog\n", func(w io.Writer) error { return r.Catalog.WriteMarkdown(w, nil) }},
		{"# Federation\n\n```", fenced(r.Federation.Show)},
		{"# Topologies\n\n```", fenced(r.comparison.Text)},
		{"# Trust once that is applied\n", r.trust.Markdown},
		{"# Cutover once that is applied\n\n```", fenced(r.Cutover.Show)},
	}
}

func fenced(write func(io.Writer) error) func(io.Writer) error {
	return func(w io.Writer) error {
		if err := write(w); err != nil {
			return err
		}
		_, err := fmt.Fprintln(w, "```")
		return err
	}
}

func inTurn(w io.Writer, sections []section) error {
	for i, s := range sections {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, s.heading)
		if err := s.write(w); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
