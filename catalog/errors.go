package catalog

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrDuplicateCluster says that several snapshots name one cluster, so none of them can be trusted to be it.
	ErrDuplicateCluster = errors.New("several snapshots have this name; give each cluster its own")
	// ErrNoCluster says that a snapshot does not name its cluster.
	ErrNoCluster = errors.New("a snapshot names no cluster; set Cluster.Name")
)

// ClusterError says why the facts of a cluster are not in a catalog. It unwraps to [ErrDuplicateCluster], [ErrNoCluster], the [FleetError]
// that said so first, or the source's own error.
type ClusterError struct {
	// Cluster is empty for a snapshot that names none.
	Cluster string
	// Origins are where its snapshots were read, sorted.
	Origins []string
	Err     error
}

func (e *ClusterError) Error() string {
	if e.Cluster == "" {
		return "catalog: " + e.reason()
	}
	return fmt.Sprintf("catalog: cluster %q: %s", e.Cluster, e.reason())
}

func (e *ClusterError) Unwrap() error { return e.Err }

func (e *ClusterError) reason() string {
	if len(e.Origins) == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v (%s)", e.Err, strings.Join(e.Origins, " and "))
}
