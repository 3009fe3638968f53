package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Join returns one source that reads several sources of one cluster, such as the running cluster and what ARM knows of it, and lays
// their snapshots together under the name of the first. Where two know the same of the cluster itself, the first wins; two that
// disagree about its issuer are a gap. A source that fails is a gap and an error, and the others still count.
func Join(first Source, others ...Source) Source {
	return &joined{sources: append([]Source{first}, others...)}
}

type joined struct{ sources []Source }

// ClusterName implements [Source].
func (j *joined) ClusterName() string { return j.sources[0].ClusterName() }

// Read implements [Source]. It reads its sources at once.
func (j *joined) Read(ctx context.Context) (*Snapshot, error) {
	snaps := make([]*Snapshot, len(j.sources))
	errs := make([]error, len(j.sources))
	var group errgroup.Group
	for i, s := range j.sources {
		group.Go(func() error {
			snaps[i], errs[i] = readOne(ctx, s)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	out := newCollector(j.ClusterName(), false)
	for i, s := range snaps {
		out.lay(s, i == 0)
	}
	snap := out.finish()
	return snap, errors.Join(errs...)
}

// lay adds a whole snapshot of the same cluster.
func (c *collector) lay(s *Snapshot, first bool) {
	have, add := &c.snap.Cluster, s.Cluster
	if have.Issuer != "" && add.Issuer != "" && have.Issuer != add.Issuer {
		c.gap("issuer", fmt.Sprintf("%s says %q, %s says %q", c.snap.Origin, have.Issuer, s.Origin, add.Issuer))
	}
	have.Region, have.ResourceID = cmp.Or(have.Region, add.Region), cmp.Or(have.ResourceID, add.ResourceID)
	have.Issuer, have.UID = cmp.Or(have.Issuer, add.Issuer), cmp.Or(have.UID, add.UID)
	have.PodIdentityMode = cmp.Or(have.PodIdentityMode, add.PodIdentityMode)
	for _, g := range add.Coverage.Gaps {
		c.gaps[g] = true
	}
	if !add.Coverage.Complete && len(add.Coverage.Gaps) == 0 {
		c.gap("cluster", "a source says that it read less than all")
	}
	part := &collector{snap: *s, gaps: map[Gap]bool{}}
	part.snap.Cluster.UID = ""
	c.take(part)
	if c.snap.AddOn == nil {
		c.snap.AddOn = s.AddOn
	}
	c.snap.ManagedIdentitiesRead = c.snap.ManagedIdentitiesRead || s.ManagedIdentitiesRead
	in := map[string]bool{}
	for _, id := range append(slices.Clone(c.snap.ManagedIdentitiesIn), s.ManagedIdentitiesIn...) {
		in[id] = true
	}
	c.snap.ManagedIdentitiesIn = slices.Sorted(maps.Keys(in))
	c.snap.ARMOnly = s.ARMOnly && (first || c.snap.ARMOnly)
	if first {
		c.snap.Origin = s.Origin
	} else if s.Origin != "" {
		c.snap.Origin += " + " + s.Origin
	}
}
