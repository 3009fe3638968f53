package cutover

import (
	"errors"
	"io"
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
	j.file = f
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	return errors.Join(j.disk.syncDir(dir), old.Close())
}
