package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wimigrate/wimigrate/federation/render"
)

// saveGitOps renders the trust for Terraform and for Azure Service Operator with Flux, and the Kubernetes side for kustomize. What a
// format cannot express is listed in left-out.txt; the rest is written. Files of an earlier run that are rendered no more stay, and are listed in stale.txt.
func (r *result) saveGitOps(dir string, stderr io.Writer) error {
	terraform, errT := render.Terraform(r.Federation, r.Catalog, nil)
	aso, errA := render.ASO(r.Federation, r.Catalog, nil)
	kustomize, errK := render.Kustomize(r.Federation, r.Catalog, nil)
	flux, errF := render.Flux(aso, &render.FluxOptions{Path: "aso"})
	left, err := leftOut(errT, errA, errK, errF)
	if err != nil {
		return err
	}
	files, err := render.Merge(terraform.Under("terraform"), aso.Under("aso"), kustomize.Under("kustomize"), flux)
	if err != nil {
		return err
	}
	written, err := render.Write(filepath.Join(dir, "gitops"), files, nil)
	if err != nil {
		return err
	}
	return errors.Join(
		list(filepath.Join(dir, "left-out.txt"), left, stderr, "entries that could not be rendered"),
		list(filepath.Join(dir, "stale.txt"), written.Stale, stderr, "files of an earlier run that are rendered no more: delete them, and what they made"),
	)
}

// list writes lines into a file and tells of it; no lines are no file, whatever an earlier run wrote.
func list(file string, lines []string, stderr io.Writer, what string) error {
	if len(lines) == 0 {
		if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	fmt.Fprintf(stderr, "fleet: gitops: %d %s; see %s\n", len(lines), what, file)
	return os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// leftOut lists what the formats leave out, and returns every other error.
func leftOut(all ...error) ([]string, error) {
	var left []string
	var errs []error
	for _, err := range all {
		out, ok := errors.AsType[*render.LeftOutError](err)
		if !ok {
			errs = append(errs, err)
			continue
		}
		for _, item := range out.Items {
			left = append(left, fmt.Sprintf("%s: %s: %s: %s", out.Format, item.Cluster, item.Object, item.Reason))
		}
	}
	return left, errors.Join(errs...)
}
