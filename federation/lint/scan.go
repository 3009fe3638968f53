package lint

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/wimigrate/wimigrate/catalog"
)

// DefaultMaxFileSize is the size in bytes above which a file is not read: 8 MiB.
const DefaultMaxFileSize = 8 << 20

// Options of [Scan] and [File]. The zero value is ready to use.
type Options struct {
	// Catalog names the clusters behind issuers, adds their issuers to what is found whatever their shape, and turns a literal that
	// no cluster has into [UnknownIssuer]. Nil: AKS shapes alone are found.
	Catalog *catalog.Catalog
	// Skip leaves out a file or a whole folder by its slash-separated path. Nil: .git, .terraform, node_modules and vendor are left
	// out. A function replaces that default.
	Skip func(path string, d fs.DirEntry) bool
	// MaxFileSize in bytes; a larger file is a gap. Zero: [DefaultMaxFileSize]; negative: no limit.
	MaxFileSize int64
}

// Scan reads every Terraform, Bicep, YAML, JSON, Markdown and shell file below the root of fsys and returns what it found, sorted. A
// file that cannot be read is a gap of the report and the scan goes on. The error is not nil only when the root cannot be read or ctx
// ends; the report then holds what was read before, and is never nil.
func Scan(ctx context.Context, fsys fs.FS, opts *Options) (*Report, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Skip == nil {
		o.Skip = skipDefault
	}
	if o.MaxFileSize == 0 {
		o.MaxFileSize = DefaultMaxFileSize
	}
	s := &scanner{fsys: fsys, opts: o, known: newLookup(o.Catalog), report: &Report{}}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return s.visit(name, d, err)
	})
	s.report.sort()
	if err != nil {
		return s.report, fmt.Errorf("lint: %w", err)
	}
	return s.report, nil
}

func skipDefault(_ string, d fs.DirEntry) bool {
	return d.IsDir() && slices.Contains([]string{".git", ".terraform", "node_modules", "vendor"}, d.Name())
}

type scanner struct {
	fsys   fs.FS
	opts   Options
	known  lookup
	report *Report
}

func (s *scanner) gap(name string, reason string) {
	s.report.Gaps = append(s.report.Gaps, catalog.Gap{Resource: name, Reason: reason})
}

func (s *scanner) visit(name string, d fs.DirEntry, err error) error {
	switch {
	case err != nil && name == ".":
		return err
	case err != nil:
		s.gap(name, err.Error())
		return nil
	case name != "." && s.opts.Skip(name, d):
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	case d.IsDir():
		return nil
	}
	lang, ok := languageOf(name)
	if !ok && d.Type()&fs.ModeSymlink == 0 {
		return nil
	}
	if info, err := fs.Stat(s.fsys, name); err == nil && info.IsDir() {
		s.gap(name, "a symbolic link to a folder is not followed: scan its target as well")
		return nil
	} else if err == nil && !info.Mode().IsRegular() {
		return nil
	}
	if ok {
		s.read(name, lang)
	}
	return nil
}

func (s *scanner) read(name string, lang language) {
	src, err := readFile(s.fsys, name, s.opts.MaxFileSize)
	if err != nil {
		s.gap(name, err.Error())
		return
	}
	s.report.Files++
	s.report.Findings = append(s.report.Findings, scanFile(name, lang, decode(src), s.known)...)
}

func readFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	if limit < 0 {
		return io.ReadAll(f)
	}
	src, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(src)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return src, err
}
