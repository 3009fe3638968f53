package catalog

import (
	"context"
	"fmt"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
)

// Sources returns a source for each cluster of the fleet, in the order of the file. No cluster is read before
// its source is; the kubeconfig is read here.
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
	if c.refused != nil {
		return &refusedSource{cluster: c.cluster(), reason: c.refused.Reason, err: c.refused}
	}
	if c.Snapshot == "" {
		return f.live(c, o)
	}
	var files FilesOptions
	if o.Files != nil {
		files = *o.Files
	}
	files.Cluster = c.cluster()
	if c.saved {
		return &savedFile{dir: f.dir, name: c.Snapshot, cluster: c.cluster()}
	}
	return Dir(c.Name, filepath.Join(f.dir, filepath.FromSlash(c.Snapshot)), &files)
}

// live returns the source of a kubeconfig context.
func (f *Fleet) live(c *FleetCluster, o FleetSourceOptions) Source {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.Kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: c.Context}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
	if err != nil {
		return &refusedSource{cluster: c.cluster(), reason: fmt.Sprintf("kubeconfig context %q: %s", shown(c.Context), shown(err.Error()))}
	}
	var opts LiveOptions
	if o.Live != nil {
		opts = *o.Live
	}
	opts.Cluster = c.cluster()
	return Live(c.Name, config, &opts)
}

// refusedSource stands for a cluster that cannot be read, so that the fleet goes on and the catalog says what is missing.
type refusedSource struct {
	cluster Cluster
	reason  string
	err     error // of which reason is a part; nil for none
}

// ClusterName implements [Source].
func (s *refusedSource) ClusterName() string { return s.cluster.Name }

// Read implements [Source].
func (s *refusedSource) Read(context.Context) (*Snapshot, error) {
	return s.snapshot(), &ClusterError{Cluster: s.cluster.Name, Err: &refusalError{s.reason, s.err}}
}

// refusalError has the text that a cluster's error needs, and leads to the error that said it first.
type refusalError struct {
	reason string
	err    error
}

func (e *refusalError) Error() string { return e.reason }

func (e *refusalError) Unwrap() error { return e.err }

func (s *refusedSource) snapshot() *Snapshot {
	snap := nothingRead(s.cluster.Name, s.reason)
	coverage := snap.Cluster.Coverage
	snap.Cluster = s.cluster
	snap.Cluster.Coverage = coverage
	return snap
}
