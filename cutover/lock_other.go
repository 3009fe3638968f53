//go:build !unix

package cutover

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// lockFile takes a lock by making a file that must not be there. After a crash a person removes it.
func lockFile(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		err = errTaken
	}
	if err != nil {
		return nil, err
	}
	return &lockedFile{f}, nil
}

type lockedFile struct{ *os.File }

func (f *lockedFile) Close() error { return errors.Join(f.File.Close(), os.Remove(f.Name())) }
