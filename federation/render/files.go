package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
)

// Files are rendered files in memory: slash-separated relative paths and their contents.
type Files map[string][]byte

// Paths returns the paths, sorted.
func (f Files) Paths() []string { return slices.Sorted(maps.Keys(f)) }

// Under returns the files with their paths below dir.
func (f Files) Under(dir string) Files {
	out := make(Files, len(f))
	for name, data := range f {
		out[path.Join(dir, name)] = data
	}
	return out
}

// Merge returns all files together. Two different contents for one path are an error that names the path.
func Merge(sets ...Files) (Files, error) {
	out := Files{}
	var errs []error
	for _, set := range sets {
		for _, name := range set.Paths() {
			if old, ok := out[name]; ok && !bytes.Equal(old, set[name]) {
				errs = append(errs, fmt.Errorf("render: two contents for %s", name))
				continue
			}
			out[name] = set[name]
		}
	}
	return out, errors.Join(errs...)
}

// Load reads every regular file below the root of fsys, such as os.DirFS of a directory that [Write] filled, for [ReadTerraform] and
// [ReadYAML].
func Load(fsys fs.FS) (Files, error) {
	out := Files{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		out[name], err = fs.ReadFile(fsys, name)
		return err
	})
	if err != nil {
		return out, fmt.Errorf("render: %w", err)
	}
	return out, nil
}
