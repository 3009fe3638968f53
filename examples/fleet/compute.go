package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

//go:embed fleet
var bundled embed.FS

// compute reads the fleet and plans: the trust from what is there, and the cutover from what will be trusted once that is applied. The
// result is nil only when there is nothing to plan for; an error beside a result says what is missing from it.
func compute(ctx context.Context, c config, stderr io.Writer) (*result, error) {
	file := c.fleet
	if file == "" {
		bundle, done, err := unpack()
		if err != nil {
			return nil, err
		}
		defer done()
		file = bundle
	}
	fleet, have, err := load(file)
	if fleet == nil {
		return nil, err
	}
	errs := []error{err}
	progress := newProgress(stderr)
	snapshots, err := catalog.ReadAll(ctx, fleet.Sources(&catalog.FleetSourceOptions{Live: &catalog.LiveOptions{Heuristics: true}}),
		&catalog.ScanOptions{OnProgress: progress.cluster})
	progress.end()
	errs = append(errs, err)
	res := &result{}
	if res.Catalog, err = catalog.Reconcile(snapshots, nil); err != nil {
		errs = append(errs, err)
	}
	topology, err := federation.ParseTopology(c.topology)
	if err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	opts := &federation.PlanOptions{Topology: topology}
	if res.Federation, err = federation.NewPlan(res.Catalog, have, opts); err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	if res.comparison, err = federation.Compare(res.Catalog, have, nil); err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	after := res.Federation.After(have)
	res.trust = federation.TrustOf(res.Catalog, after)
	applied, err := federation.NewPlan(res.Catalog, after, opts)
	if err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	if res.Cutover, err = cutover.NewPlan(res.Catalog, applied, &cutover.PlanOptions{Snapshots: snapshots}); err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	return res, errors.Join(errs...)
}

// unpack puts the bundled fleet into a folder of its own, which done removes.
func unpack() (file string, done func(), err error) {
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		return "", nil, err
	}
	done = func() { _ = os.RemoveAll(dir) }
	if err := os.CopyFS(dir, bundled); err != nil {
		done()
		return "", nil, err
	}
	return filepath.Join(dir, "fleet", "fleet.yaml"), done, nil
}

// load reads the fleet file and what the identities trust today.
func load(file string) (*catalog.Fleet, federation.State, error) {
	fleet, err := catalog.LoadFleet(file)
	if fleet == nil {
		return nil, nil, err
	}
	errs := []error{err}
	text, err := fleet.ReadFederatedCredentials()
	if err != nil || text == nil {
		return fleet, nil, errors.Join(append(errs, err)...)
	}
	have, err := federation.ReadState(text)
	if err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", fleet.FederatedCredentials, err))
	}
	return fleet, have, errors.Join(errs...)
}

// findings are those of the catalog and of the federation plan.
func (r *result) findings() []catalog.Finding {
	return slices.Concat(r.Catalog.Findings, r.Federation.Findings)
}
