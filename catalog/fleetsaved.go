package catalog

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// savedFile is the source of a saved snapshot that a fleet file names. What the fleet file says of the cluster wins.
type savedFile struct {
	dir, name string
	cluster   Cluster
}

// ClusterName implements [Source].
func (s *savedFile) ClusterName() string { return s.cluster.Name }

// Read implements [Source].
func (s *savedFile) Read(context.Context) (*Snapshot, error) {
	snap, err := s.load()
	if err != nil {
		err = fmt.Errorf("snapshot %s: %w", shown(s.name), err)
		return (&refusedSource{cluster: s.cluster, reason: shown(err.Error())}).snapshot(), &ClusterError{Cluster: s.cluster.Name, Err: err}
	}
	c := &snap.Cluster
	c.Name = s.cluster.Name
	c.Region, c.ResourceID = cmp.Or(s.cluster.Region, c.Region), cmp.Or(s.cluster.ResourceID, c.ResourceID)
	c.Issuer = cmp.Or(s.cluster.Issuer, c.Issuer)
	snap.Origin = "saved:" + s.name
	return snap, nil
}

func (s *savedFile) load() (*Snapshot, error) {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(filepath.FromSlash(s.name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadSnapshot(f)
}
