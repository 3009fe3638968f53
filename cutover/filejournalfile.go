package cutover

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
)

const (
	// liveFactor is how many times what it holds a file may take before it is rewritten while it is open, and shrinkFrom what it may take in
	// any case: a soak saves its record every few minutes, of every unit, for a day.
	liveFactor = 4
	shrinkFrom = 1 << 20
)

// shrink rewrites a file that is mostly history. What was saved is safe already, so a failure here fails no save: where the old file is still in
// its place it is tried again later, and else the next save begins with it.
func (j *FileJournal) shrink() {
	if j.size < j.next {
		return
	}
	if j.size > liveFactor*j.live() {
		_ = j.compact() // it says itself, by dirty, whether the next save must make it good
	}
	j.next = max(j.size+shrinkFrom, liveFactor*j.live())
}

// live is what the file would take without history, but for the little that is around each record.
func (j *FileJournal) live() int64 {
	n := int64(0)
	for _, l := range j.records {
		n += int64(len(l.Record))
	}
	return n
}

// compact rewrites the file without history.
func (j *FileJournal) compact() error {
	if err := j.cut(); err != nil {
		return err
	}
	j.lines = len(j.records)
	return nil
}

// cut drops what an unfinished write has left.
func (j *FileJournal) cut() error {
	var b bytes.Buffer
	for _, k := range j.keys() {
		text, err := json.Marshal(j.records[k])
		if err != nil {
			return err
		}
		b.Write(append(text, '\n'))
	}
	if err := j.replace(b.Bytes()); err != nil {
		return err
	}
	j.dirty, j.size = false, int64(b.Len())
	return nil
}

// replace puts a new file in the place of the old one: written beside it, flushed, renamed.
func (j *FileJournal) replace(text []byte) error {
	dir := filepath.Dir(j.path)
	f, err := j.disk.temp(dir, filepath.Base(j.path)+".*.new")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = j.disk.rename(f.Name(), j.path)
	}
	if err != nil {
		return errors.Join(err, f.Close(), j.disk.remove(f.Name()))
	}
	old := j.file
	j.file, j.dirty = f, true // until its new name is on the disk
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	return errors.Join(j.disk.syncDir(dir), old.Close())
}
