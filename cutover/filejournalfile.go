package cutover

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// compact rewrites the file without history.
func (j *FileJournal) compact() error {
	if err := j.cut(); err != nil {
		return err
	}
	j.lines = len(j.records)
	return nil
}

// replace puts a new file in the place of the old one: written beside it, flushed, renamed.
func (j *FileJournal) replace(text []byte) error {
	dir := filepath.Dir(j.path)
	f, err := os.CreateTemp(dir, filepath.Base(j.path)+".*.new")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(f.Name(), j.path)
	}
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	old := j.file
	j.file = f
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	return errors.Join(syncDir(dir), old.Close())
}

// syncDir flushes a folder, so that a new name in it survives a crash.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
