package cutover

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
)

// FileJournal keeps records in one file, a line of JSON for every save, each flushed to the disk before Save returns. A line that a
// crash has cut short at the end of the file is left out; one in the middle is corruption, and an error. While it is open, a lock keeps
// other processes of the machine out. It is safe for concurrent use.
type FileJournal struct {
	path string
	lock io.Closer
	disk disk

	mu      sync.Mutex
	file    diskFile
	records map[Key]*line
	lines   int
	dirty   bool  // the file may end in part of a line, or its name may not survive a crash
	size    int64 // of the file
	next    int64 // the size from which on it is looked whether the file is mostly history
}

var _ Journal = (*FileJournal)(nil)

// line is one line of the file.
type line struct {
	// Sum is the CRC-32 of Record, so that a torn or edited line is told from a whole one.
	Sum     uint32          `json:"crc32"`
	Version int64           `json:"version"`
	Record  json.RawMessage `json:"record"`
}

// OpenJournal opens the journal in a file, or begins it. ErrLocked if another process has it open. Close it in the end.
func OpenJournal(path string) (*FileJournal, error) { return openJournal(path, osDisk{}) }

func openJournal(path string, d disk) (*FileJournal, error) {
	lock, err := lockFile(path + ".lock")
	switch {
	case errors.Is(err, errTaken):
		return nil, fmt.Errorf("%w: %s: %w", ErrLocked, path, err)
	case err != nil:
		return nil, fmt.Errorf("cutover: journal %s: its lock cannot be made: %w", path, err)
	}
	j := &FileJournal{path: path, lock: lock, disk: d, records: map[Key]*line{}, next: shrinkFrom}
	if err := j.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("cutover: journal %s: %w", path, err), lock.Close())
	}
	return j, nil
}

// Close gives the file and its lock free.
func (j *FileJournal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.file.Close(), j.lock.Close())
}

// open reads the file, drops a torn tail, and rewrites a file that is mostly history.
func (j *FileJournal) open() error {
	f, err := j.disk.open(j.path)
	if err != nil {
		return err
	}
	j.file = f
	whole, err := j.read(f)
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err == nil {
		err = j.disk.syncDir(filepath.Dir(j.path))
	}
	j.size = whole
	if err == nil && j.lines > historyFactor*(len(j.records)+1) {
		err = j.compact()
	}
	if err != nil {
		return errors.Join(err, j.file.Close())
	}
	return nil
}

// historyFactor is how many lines a record may have had before the file is rewritten without history.
const historyFactor = 100

// read takes in the lines and returns the length of the whole ones.
func (j *FileJournal) read(f io.Reader) (int64, error) {
	r := bufio.NewReader(f)
	var whole int64
	for {
		text, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return whole, nil // what follows the last newline was torn, or nothing
		}
		if err != nil {
			return whole, err
		}
		l, key, err := parseLine(text)
		if errors.Is(err, ErrSchema) {
			return whole, err
		}
		if err != nil && !errors.Is(err, errEdited) {
			if _, more := r.Peek(1); errors.Is(more, io.EOF) {
				return whole, nil // the last line: a crash may leave blocks of a line unwritten, newline included
			}
		}
		if err != nil {
			return whole, fmt.Errorf("line %d is damaged: %w", j.lines+1, err)
		}
		j.lines++
		whole += int64(len(text))
		j.records[key] = l
	}
}

// errEdited means: the line is whole, but not what was written. No crash makes such a line.
var errEdited = errors.New("its checksum is wrong: it was edited, or the disk is broken; put back what it was, or move the file away, so " +
	"that the records are rebuilt from the breadcrumbs in the clusters")

// errTaken means: somebody else has the lock.
var errTaken = errors.New("the lock is taken")

func parseLine(text []byte) (*line, Key, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, Key{}, err
	}
	if crc32.ChecksumIEEE(l.Record) != l.Sum {
		return nil, Key{}, errEdited
	}
	r, err := DecodeRecord(l.Record, "")
	if err != nil {
		return nil, Key{}, err
	}
	return &l, r.Key, nil
}

// Load implements Journal.
func (j *FileJournal) Load(ctx context.Context, k Key) (*Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	l := j.records[k]
	if l == nil {
		return nil, ErrNoRecord
	}
	return DecodeRecord(l.Record, strconv.FormatInt(l.Version, 10))
}

// Save implements Journal.
func (j *FileJournal) Save(ctx context.Context, r *Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	l := &line{Sum: crc32.ChecksumIEEE(body), Version: 1, Record: body}
	stored := ""
	if old := j.records[r.Key]; old != nil {
		stored, l.Version = strconv.FormatInt(old.Version, 10), old.Version+1
	}
	if r.Version != stored {
		return ErrFenced
	}
	if err := j.append(l); err != nil {
		return fmt.Errorf("cutover: journal %s: %w", j.path, err)
	}
	j.records[r.Key] = l
	r.Version = strconv.FormatInt(l.Version, 10)
	j.shrink()

	return nil
}

// append writes a line and flushes it. A write that failed may have left part of a line: that is cut off before the next one.
func (j *FileJournal) append(l *line) error {
	if j.dirty {
		if err := j.cut(); err != nil {
			return err
		}
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	j.dirty = true
	if _, err := j.file.Write(append(text, '\n')); err != nil {
		return errors.Join(err, j.cut())
	}
	if err := j.file.Sync(); err != nil {
		return errors.Join(err, j.cut())
	}
	j.dirty = false
	j.lines++
	j.size += int64(len(text)) + 1
	return nil
}

// List implements Journal.
func (j *FileJournal) List(ctx context.Context) ([]*Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []*Record
	var errs []error
	for _, k := range j.keys() {
		r, err := DecodeRecord(j.records[k].Record, strconv.FormatInt(j.records[k].Version, 10))
		if err != nil {
			errs = append(errs, &UnreadableError{k, err})
			continue
		}
		out = append(out, r)
	}
	return out, errors.Join(errs...)
}

func (j *FileJournal) keys() []Key { return slices.SortedFunc(maps.Keys(j.records), compareKeys) }

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Unit, b.Unit))
}
