package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/wimigrate/wimigrate/federation/render"
)

// saveGitOps renders the trust for Terraform and for Azure Service Operator with Flux, and the Kubernetes side for kustomize. What a
// format cannot express is listed in left-out.txt; the rest is written. Files of an earlier run that are rendered no more are named and stay.
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
	for _, name := range written.Stale {
		fmt.Fprintf(stderr, "fleet: gitops: %s is of an earlier run and rendered no more: delete it, and what it made\n", filepath.Join(dir, "gitops", name))
	}
	if err != nil || len(left) == 0 {
		return err
	}
	list := filepath.Join(dir, "left-out.txt")
	fmt.Fprintf(stderr, "fleet: gitops: %d entries could not be rendered: see %s\n", len(left), list)
	return os.WriteFile(list, []byte(strings.Join(left, "\n")+"\n"), 0o644)
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
