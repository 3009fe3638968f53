package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/wimigrate/wimigrate/catalog"
)

// print writes the result in the format that was asked for.
func (r *result) print(w io.Writer, c config) error {
	switch c.format {
	case "json":
		return writeJSON(w, r)
	case "markdown":
		return r.Catalog.WriteMarkdown(w, nil)
	}
	if err := r.Catalog.WriteText(w, &catalog.ReportOptions{Colour: terminal(w)}); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
