package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/wimigrate/wimigrate/federation/internal/mark"
)

// WriteOptions are the choices of [Write]. The zero value is ready to use.
type WriteOptions struct {
	// Prune removes files below the directory that carry the mark of this package and are not among those written. False: they are
	// listed as stale and stay.
	Prune bool
}

// Written is what [Write] did, as sorted paths.
type Written struct {
	Changed, Unchanged []string
	// Stale are marked files that are no longer rendered; with Prune they are Removed instead.
	Stale, Removed []string
}

// ForeignFileError says that a file is in the way that this package did not render. Nothing was written.
type ForeignFileError struct {
	// Paths of the files, sorted.
	Paths []string
}

// Error names the files.
func (e *ForeignFileError) Error() string {
	return fmt.Sprintf("render: not rendered here, so not overwritten: %q; move them, or render elsewhere", e.Paths)
}

// Write puts files into a directory, which is made if need be. It never leaves the directory, not through symbolic links either, and
// overwrites only files whose first line carries the mark of this package: all are checked before the first is written, and a
// [*ForeignFileError] names those in the way. A file is replaced as a whole or not at all; unchanged ones are not touched. On another
// error some files may have been written: the result lists them, and writing again completes them.
func Write(dir string, files Files, opts *WriteOptions) (*Written, error) {
	var o WriteOptions
	if opts != nil {
		o = *opts
	}
	done := &Written{}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return done, fmt.Errorf("render: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return done, fmt.Errorf("render: %w", err)
	}
	defer root.Close() //nolint:errcheck // nothing is buffered
	if err := done.check(root, files); err != nil {
		return &Written{}, err
	}
	for _, name := range done.Changed {
		if err := replace(root, name, files[name]); err != nil {
			done.Changed = done.Changed[:slices.Index(done.Changed, name)]
			return done, fmt.Errorf("render: %w", err)
		}
	}
	if err := done.stale(root, files, o.Prune); err != nil {
		return done, fmt.Errorf("render: %w", err)
	}
	return done, nil
}

// check sorts files into changed and unchanged ones, or finds those that are not ours.
func (w *Written) check(root *os.Root, files Files) error {
	var foreign []string
	for _, name := range files.Paths() {
		if !fs.ValidPath(name) || name == "." {
			return fmt.Errorf("render: %q is not a path within a directory", name)
		}
		old, err := root.ReadFile(filepath.FromSlash(name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			w.Changed = append(w.Changed, name)
		case err != nil:
			return fmt.Errorf("render: %w", err)
		case bytes.Equal(old, files[name]):
			w.Unchanged = append(w.Unchanged, name)
		case !marked(old):
			foreign = append(foreign, name)
		default:
			w.Changed = append(w.Changed, name)
		}
	}
	if len(foreign) > 0 {
		return &ForeignFileError{Paths: foreign}
	}
	return nil
}

// marked looks for the mark in the first two lines: a script's first is its interpreter.
func marked(text []byte) bool {
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	second, _, _ := bytes.Cut(rest, []byte("\n"))
	return bytes.Contains(first, []byte(mark.Rendered)) || bytes.HasPrefix(first, []byte("#!")) && bytes.Contains(second, []byte(mark.Rendered))
}

// replace writes beside the file and renames over it.
func replace(root *os.Root, name string, data []byte) error {
	name = filepath.FromSlash(name)
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if path.Ext(name) == ".sh" {
		mode = 0o755
	}
	next := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".next")
	err := root.WriteFile(next, data, mode)
	if err == nil {
		err = root.Rename(next, name)
	}
	if err != nil {
		_ = root.Remove(next) // what is half written is of no use; the error of writing it is the one to know
	}
	return err
}

// stale finds marked files that are not among those written.
func (w *Written) stale(root *os.Root, files Files, prune bool) error {
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if _, ours := files[name]; ours || !d.Type().IsRegular() {
			return nil
		}
		text, err := root.ReadFile(filepath.FromSlash(name))
		if err != nil || !marked(text) {
			return err
		}
		if !prune {
			w.Stale = append(w.Stale, name)
			return nil
		}
		if err := root.Remove(filepath.FromSlash(name)); err != nil {
			return err
		}
		w.Removed = append(w.Removed, name)
		return nil
	})
}
