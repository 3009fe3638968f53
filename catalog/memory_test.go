package catalog_test

import (
	"io"
	"io/fs"
	"runtime"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
)

// TestMemoryIsBoundedByWhatIsKept reads a dump that is never in memory, of a size that would show if it were.
func TestMemoryIsBoundedByWhatIsKept(t *testing.T) {
	const objects = 20_000
	file := &endless{objects: objects}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	snap, err := catalog.Files("one", file, nil).Read(t.Context())
	if err != nil || !snap.Cluster.Coverage.Complete {
		t.Fatalf("error %v, coverage %+v", err, snap.Cluster.Coverage)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	kept := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	if kept > file.size/4 {
		t.Errorf("%d bytes are kept of a dump of %d", kept, file.size)
	}
	if got := len(snap.ServiceAccounts); got != objects/10 {
		t.Errorf("%d service accounts, want %d", got, objects/10)
	}
	runtime.KeepAlive(snap)
}

// endless is a file system of one dump that is written while it is read.
type endless struct {
	objects int
	next    int
	rest    []byte
	size    int64
}

// Open implements fs.FS.
func (e *endless) Open(name string) (fs.File, error) {
	if name != "." {
		e.rest, e.next = []byte("apiVersion: v1\nitems:\n"), 0
	}
	return &endlessFile{endless: e, name: name}, nil
}

type endlessFile struct {
	*endless
	name string
	done bool
}

// Read implements fs.File.
func (e *endlessFile) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		switch {
		case e.next < e.objects:
			e.rest = []byte(benchItem(e.next))
			e.next++
		case !e.done:
			e.rest, e.done = []byte("kind: List\n"), true
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	e.size += int64(n)
	return n, nil
}

// Close implements fs.File.
func (e *endlessFile) Close() error { return nil }

// Stat implements fs.File.
func (e *endlessFile) Stat() (fs.FileInfo, error) { return e, nil }

// ReadDir implements fs.ReadDirFile.
func (e *endlessFile) ReadDir(int) ([]fs.DirEntry, error) {
	return []fs.DirEntry{fs.FileInfoToDirEntry(&endlessFile{endless: e.endless, name: "dump.yaml"})}, nil
}

// Name implements fs.FileInfo.
func (e *endlessFile) Name() string { return e.name }

// Size implements fs.FileInfo.
func (e *endlessFile) Size() int64 { return 0 }

// Mode implements fs.FileInfo.
func (e *endlessFile) Mode() fs.FileMode {
	if e.name == "." {
		return fs.ModeDir
	}
	return 0
}

// ModTime implements fs.FileInfo.
func (e *endlessFile) ModTime() time.Time { return time.Time{} }

// IsDir implements fs.FileInfo.
func (e *endlessFile) IsDir() bool { return e.name == "." }

// Sys implements fs.FileInfo.
func (e *endlessFile) Sys() any { return nil }
