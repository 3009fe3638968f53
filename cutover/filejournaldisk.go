package cutover

import (
	"errors"
	"io"
	"os"
)

// disk is the part of a file system that a FileJournal needs.
type disk interface {
	open(path string) (diskFile, error)
	temp(dir, pattern string) (diskFile, error)
	rename(from, to string) error
	remove(path string) error
	// syncDir flushes a folder, so that a new name in it survives a crash.
	syncDir(dir string) error
}

// diskFile is an open file.
type diskFile interface {
	io.ReadWriteSeeker
	io.Closer
	Name() string
	Sync() error
	Truncate(size int64) error
}

// osDisk is the operating system's.
type osDisk struct{}

func (osDisk) open(path string) (diskFile, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}

func (osDisk) temp(dir, pattern string) (diskFile, error) { return os.CreateTemp(dir, pattern) }

func (osDisk) rename(from, to string) error { return os.Rename(from, to) }

func (osDisk) remove(path string) error { return os.Remove(path) }

func (osDisk) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
