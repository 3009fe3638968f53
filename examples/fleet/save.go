package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/wimigrate/wimigrate/catalog"
)

// save writes what -out asks for. A file that cannot be written does not keep the others from being written.
func (r *result) save(c config, stderr io.Writer) error {
	if c.out == "" {
		return nil
	}
	if err := os.MkdirAll(c.out, 0o755); err != nil {
		return err
	}
	files := []struct {
		name  string
		write func(io.Writer) error
	}{
		{"catalog.json", func(w io.Writer) error { return writeJSON(w, r.Catalog) }},
		{"federation.json", func(w io.Writer) error { return writeJSON(w, r.Federation) }},
		{"cutover.json", func(w io.Writer) error { return writeJSON(w, r.Cutover) }},
		{"findings.md", func(w io.Writer) error { return catalog.WriteFindingsMarkdown(w, r.findings(), nil) }},
		{"report.html", r.writeHTML},
	}
	errs := []error{r.saveGitOps(c.out, stderr)}
	for _, f := range files {
		errs = append(errs, writeFile(filepath.Join(c.out, f.name), f.write))
	}
	return errors.Join(errs...)
}

func writeFile(name string, write func(io.Writer) error) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return write(f)
}
