package catalog

import (
	"context"
	"errors"
	"path/filepath"
)

// Sources returns a source for each cluster of the fleet, in the order of the file. Nothing is read or opened before they are.
func (f *Fleet) Sources(opts *FleetSourceOptions) []Source {
	var o FleetSourceOptions
	if opts != nil {
		o = *opts
	}
	sources := make([]Source, 0, len(f.Clusters))
	for i := range f.Clusters {
		sources = append(sources, f.source(&f.Clusters[i], o))
	}
	return sources
}

func (f *Fleet) source(c *FleetCluster, o FleetSourceOptions) Source {
	if c.refused != "" {
		return &refusedSource{cluster: c.cluster(), reason: c.refused}
	}
	var files FilesOptions
	if o.Files != nil {
		files = *o.Files
	}
	files.Cluster = c.cluster()
	return Dir(c.Name, filepath.Join(f.dir, filepath.FromSlash(c.Snapshot)), &files)
}

// refusedSource stands for a cluster that cannot be read, so that the fleet goes on and the catalog says what is missing.
type refusedSource struct {
	cluster Cluster
	reason  string
}

// ClusterName implements [Source].
func (s *refusedSource) ClusterName() string { return s.cluster.Name }

// Read implements [Source].
func (s *refusedSource) Read(context.Context) (*Snapshot, error) {
	snap := nothingRead(s.cluster.Name, s.reason)
	coverage := snap.Cluster.Coverage
	snap.Cluster = s.cluster
	snap.Cluster.Coverage = coverage
	return snap, &ClusterError{Cluster: s.cluster.Name, Err: errors.New(s.reason)}
}
