package cutovertest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing/fstest"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

// Snapshots reads the clusters as kubectl would dump them, through catalog.Files: what the catalog sees is what the API gives.
func (f *Fleet) Snapshots(ctx context.Context) ([]*catalog.Snapshot, error) {
	f.mu.Lock()
	names := slices.Clone(f.names)
	f.mu.Unlock()
	var out []*catalog.Snapshot
	var errs []error
	for _, name := range names {
		s, err := f.Cluster(name).snapshot(ctx)
		out = append(out, s)
		errs = append(errs, err)
	}
	return out, errors.Join(errs...)
}

func (c *Cluster) snapshot(ctx context.Context) (*catalog.Snapshot, error) {
	dump, err := c.dumpList()
	if err != nil {
		return nil, err
	}
	known := catalog.Cluster{
		Name: c.name, Region: c.region, Issuer: c.issuer, PodIdentityMode: c.fleet.opts.Mode, Coverage: catalog.Coverage{Complete: true, Gaps: []catalog.Gap{}},
	}
	files := fstest.MapFS{"dump.json": &fstest.MapFile{Data: dump}}
	return catalog.Files(c.name, files, &catalog.FilesOptions{Cluster: known}).Read(ctx)
}

// dumpList is every object of the cluster as one List.
func (c *Cluster) dumpList() ([]byte, error) {
	c.begin()
	defer c.fleet.mu.Unlock()
	var items []map[string]any
	for _, byName := range c.objects {
		for _, o := range byName {
			items = append(items, o.data)
		}
	}
	return json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
}

// Catalog is what the fleet needs, reconciled from Snapshots.
func (f *Fleet) Catalog(ctx context.Context) (*catalog.Catalog, []*catalog.Snapshot, error) {
	snaps, err := f.Snapshots(ctx)
	if err != nil {
		return nil, nil, err
	}
	cat, err := catalog.Reconcile(snaps, nil)
	return cat, snaps, err
}

// Plan scans the fleet and plans its cutover; opts may be nil.
func (f *Fleet) Plan(ctx context.Context, opts *cutover.PlanOptions) (*cutover.Plan, error) {
	cat, snaps, err := f.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	fed, err := federation.NewPlan(cat, f.State(cat), nil)
	if err != nil {
		return nil, err
	}
	var o cutover.PlanOptions
	if opts != nil {
		o = *opts
	}
	o.Snapshots = snaps
	return cutover.NewPlan(cat, fed, &o)
}

// State is what the identities of the catalog trust today.
func (f *Fleet) State(cat *catalog.Catalog) federation.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := federation.State{}
	for _, n := range cat.Needs {
		list := []federation.Credential{}
		for _, c := range f.entra.trusted[n.Identity.ClientID] {
			list = append(list, c.Credential)
		}
		out[n.Identity.Key()] = list
	}
	return out
}
