package catalog

import (
	"context"
	"fmt"
	"io/fs"
	"os"
)

// FilesOptions say how [Files] and [Dir] read; nil means the defaults.
type FilesOptions struct {
	// Cluster is what is known of the cluster beforehand: region, issuer, resource ID. Its name is ignored.
	Cluster Cluster
	// NoHeuristics leaves out pod templates that are found by their shape alone, in kinds that no rule knows.
	NoHeuristics bool
}

// Files returns a source that reads one cluster, called name, from the files of fsys: everything that kubectl get … -o yaml or -o json
// writes, and Git repositories of manifests. It reads *.yaml, *.yml and *.json, each also as .gz, at any depth, with many documents
// and Lists; .git folders and everything that is no Kubernetes object are passed over.
//
// An object that cannot be used is [Malformed] and the rest goes on; a file that ends early, is binary or cannot be read is a [Gap].
// Files are read as streams: memory is bounded by the largest object and what is kept, not by the size of the dump. Symbolic links
// are followed to files of fsys alone; use [Dir] for a folder on disk, whose links may lead elsewhere.
func Files(name string, fsys fs.FS, opts *FilesOptions) Source {
	return newFiles(name, fsys, opts)
}

// Dir is [Files] for a folder on disk. Nothing outside the folder is ever opened: a symbolic link that leads out of it, or in a
// circle, is a [Gap]. The folder is opened when it is read; that it is missing is an error then.
func Dir(name, path string, opts *FilesOptions) Source {
	f := newFiles(name, nil, opts)
	f.path = path
	return f
}

type files struct {
	name string
	fsys fs.FS
	path string // of Dir
	opts FilesOptions
}

func newFiles(name string, fsys fs.FS, opts *FilesOptions) *files {
	f := &files{name: name, fsys: fsys}
	if opts != nil {
		f.opts = *opts
	}
	f.opts.Cluster.Name = name
	return f
}

// ClusterName implements [Source].
func (f *files) ClusterName() string { return f.name }

// Read implements [Source].
func (f *files) Read(ctx context.Context) (*Snapshot, error) {
	c := newCollector(f.name, !f.opts.NoHeuristics)
	c.snap.UnknownKindsSkipped = f.opts.NoHeuristics
	c.snap.Cluster, c.snap.Origin = f.opts.Cluster, "files"
	if f.path != "" {
		c.snap.Origin = "file:" + f.path
	}
	fsys := f.fsys
	if fsys == nil {
		root, err := os.OpenRoot(f.path)
		if err != nil {
			c.gap("file:"+shown(f.path), "cannot be opened: "+shown(err.Error()))
			return c.finish(), &ClusterError{Cluster: f.name, Err: fmt.Errorf("snapshot folder: %w", err)}
		}
		defer root.Close()
		fsys = root.FS()
	}
	w := &fileWalk{ctx: ctx, fsys: fsys, collector: c}
	err := w.walk()
	return c.finish(), err
}
