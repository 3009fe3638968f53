package catalog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/wimigrate/wimigrate/internal/manifest"
)

// errBinary says that a file holds what no text does.
var errBinary = errors.New("is binary, not text in UTF-8")

// errUTF16 is for what PowerShell makes of kubectl's output.
var errUTF16 = errors.New("is UTF-16, not UTF-8; in PowerShell write it with | Out-File -Encoding utf8")

// sniffed is how much of a file's beginning sniff looks at, in bytes.
const sniffed = 64 << 10

// file reads one file.
func (w *fileWalk) file(name string) {
	f, err := w.fsys.Open(name)
	if err != nil {
		w.gap(name, reasonOf(err))
		return
	}
	defer f.Close()
	var r io.Reader = &contextReader{ctx: w.ctx, r: f}
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(r)
		if err != nil {
			w.gap(name, "is no gzip file: "+fileReason(err))
			return
		}
		r = z
	}
	w.stream(name, formatOf(name), r)
}

// stream reads the objects of one file.
func (w *fileWalk) stream(name string, format format, r io.Reader) {
	text, format, err := sniff(r, format)
	if err != nil {
		w.gap(name, fileReason(err))
		return
	}
	w.kubernetes = w.kubernetes || text.kubernetes
	f := fileObjects{collector: w.collector, name: name, text: text}
	h := manifest.Handler{Object: f.object, Problem: f.problem}
	if format == formatJSON {
		err = manifest.ReadJSON(text, h)
	} else {
		err = manifest.ReadYAML(text, h)
	}
	switch {
	case err == nil:
	case manifest.IsSyntax(err) && f.objects == 0 && !text.ours():
		// Any JSON may lie in a repository.
	default:
		w.gap(name, fileReason(err))
	}
}

// fileReason puts an error of reading a file into words.
func fileReason(err error) string {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "is truncated: it ends in the middle of an object"
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return "is corrupt: " + err.Error()
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "the read was stopped in it: " + err.Error()
	}
	return reasonOf(err)
}

// fileObjects receives the objects of one file.
type fileObjects struct {
	collector *collector
	name      string
	text      *textReader
	objects   int
	template  bool // reported once
}

func (f *fileObjects) origin(position string) string {
	return "file:" + shown(f.name) + "#" + position
}

func (f *fileObjects) object(o *manifest.Object) {
	f.objects++
	f.collector.object(o, f.origin(o.Origin()))
}

func (f *fileObjects) problem(p manifest.Problem) {
	if p.Object == "" && f.objects == 0 && !f.text.ours() {
		return // any JSON or YAML may lie in a repository
	}
	if p.Template {
		if f.template {
			return
		}
		f.template = true
	}
	f.collector.malformed(Malformed{Origin: f.origin(p.Origin()), Object: p.Object, Field: p.Field, Reason: p.Reason})
}

// textReader checks that what passes through it is text, and looks out for a sign of Kubernetes.
type textReader struct {
	r          io.Reader
	kubernetes bool // the beginning names an apiVersion
	kind       bool // the beginning has the key kind: what is broken may have lost its apiVersion
}

// ours reports whether text that cannot be read may have been an object of Kubernetes.
func (t *textReader) ours() bool { return t.kubernetes || t.kind }

// kindKey is the key kind, in YAML or JSON.
var kindKey = regexp.MustCompile(`(?m)^[ \t{-]*["']?kind["']?[ \t]*:`)

// Read implements io.Reader.
func (t *textReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if bytes.IndexByte(p[:n], 0) >= 0 {
		return 0, errBinary
	}
	return n, err
}

// sniff looks at how a text begins: it passes over a byte order mark, finds out whether it may hold Kubernetes objects, and recognises
// JSON under the name of YAML. An empty file is what a failed kubectl leaves behind.
func sniff(r io.Reader, format format) (*textReader, format, error) {
	b := bufio.NewReaderSize(r, sniffed)
	head, err := b.Peek(sniffed)
	if len(head) == 0 {
		if err == nil || errors.Is(err, io.EOF) {
			err = fmt.Errorf("is empty: did the command that wrote it fail")
		}
		return nil, format, err
	}
	if bytes.HasPrefix(head, []byte("\xfe\xff")) || bytes.HasPrefix(head, []byte("\xff\xfe")) {
		return nil, format, errUTF16
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, _ = b.Discard(3)
		head = head[3:]
	}
	if !isText(head) {
		return nil, format, errBinary
	}
	text := &textReader{r: b, kubernetes: bytes.Contains(head, []byte("apiVersion")), kind: kindKey.Match(head)}
	begin := bytes.TrimLeft(head, " \t\r\n")
	if inside, ok := bytes.CutPrefix(begin, []byte("{")); ok && bytes.HasPrefix(bytes.TrimLeft(inside, " \t\r\n"), []byte(`"`)) {
		format = formatJSON
	}
	return text, format, nil
}

// isText reports whether the beginning of a file is UTF-8; where it was cut off, its last character may be in two.
func isText(head []byte) bool {
	if utf8.Valid(head) {
		return true
	}
	for cut := 1; len(head) >= sniffed-3 && cut < utf8.UTFMax; cut++ {
		if utf8.Valid(head[:len(head)-cut]) {
			return true
		}
	}
	return false
}

// contextReader ends a stream when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
