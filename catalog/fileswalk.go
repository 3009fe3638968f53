package catalog

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
)

// fileWalk reads every file of a tree that may hold objects, in lexical order.
type fileWalk struct {
	ctx       context.Context
	fsys      fs.FS
	collector *collector
	// kubernetes says that some file looks like one that kubectl or an author of manifests wrote.
	kubernetes bool
}

// walk returns an error only when the root cannot be read at all, or when the context ended.
func (w *fileWalk) walk() error {
	err := fs.WalkDir(w.fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if w.ctx.Err() != nil {
			w.collector.gap("files", "the read was stopped before "+shown(name))
			return w.ctx.Err()
		}
		switch {
		case err != nil && name == ".":
			w.collector.gap("files", shown(err.Error()))
			return err
		case err != nil:
			w.gap(name, reasonOf(err))
			return fs.SkipDir
		case entry.IsDir():
			if entry.Name() == ".git" {
				return fs.SkipDir
			}
			return nil
		}
		w.entry(name, entry)
		return nil
	})
	if err != nil {
		return &ClusterError{Cluster: w.collector.snap.Cluster.Name, Err: err}
	}
	if w.ctx.Err() != nil { // in the last file
		return &ClusterError{Cluster: w.collector.snap.Cluster.Name, Err: w.ctx.Err()}
	}
	if !w.kubernetes { // every cluster has something: a wrong folder is not a clean cluster
		w.collector.gap("files", "no file holds a Kubernetes object; is it the right folder?")
	}
	return nil
}

func (w *fileWalk) gap(name, reason string) { w.collector.gap("file:"+shown(name), reason) }

// entry reads one entry that is no folder.
func (w *fileWalk) entry(name string, entry fs.DirEntry) {
	switch {
	case entry.Type()&fs.ModeSymlink != 0:
		w.link(name)
	case formatOf(name) == formatNone:
	case !entry.Type().IsRegular():
		w.gap(name, "is no regular file")
	default:
		w.file(name)
	}
}

// link follows a symbolic link. What it leads to within the tree is read at its own place, unless its own name hides it.
func (w *fileWalk) link(name string) {
	info, err := fs.Stat(w.fsys, name)
	if err != nil {
		w.gap(name, "symbolic link is not followed: "+reasonOf(err))
		return
	}
	if info.IsDir() || formatOf(name) == formatNone {
		return
	}
	if target, err := fs.ReadLink(w.fsys, name); err == nil {
		if formatOf(path.Join(path.Dir(name), target)) != formatNone {
			return
		}
	}
	w.file(name)
}

// reasonOf returns the reason of a file error without the path that it repeats.
func reasonOf(err error) string {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathError.Err
	}
	return shown(err.Error())
}

// format is how a file is to be read.
type format int

const (
	formatNone format = iota
	formatYAML
	formatJSON
)

// formatOf tells the format from a file's name.
func formatOf(name string) format {
	switch strings.ToLower(path.Ext(strings.TrimSuffix(name, ".gz"))) {
	case ".yaml", ".yml":
		return formatYAML
	case ".json":
		return formatJSON
	}
	return formatNone
}
