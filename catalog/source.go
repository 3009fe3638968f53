package catalog

import "context"

// Source reads one cluster. Its Snapshot is never nil: what could not be read is a gap of the snapshot's coverage, so that a scan of
// a fleet goes on; the error says that the source as a whole is unusable, and then the snapshot names the cluster and the gap.
type Source interface {
	// ClusterName is the fleet's name of the cluster, known before anything is read.
	ClusterName() string
	// Read reads the cluster once. It stops when ctx ends, with what it has, marked incomplete.
	Read(ctx context.Context) (*Snapshot, error)
}
