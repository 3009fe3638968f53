package cutover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// PeekJournal reads the journal in a file as it is now, without its lock, so also while another process moves units by it: for
// [Runner.Status]. A file that is not there holds no records. What the other process saves later is not seen, and saves are refused with
// ErrLocked.
func PeekJournal(path string) (Journal, error) {
	j := &FileJournal{path: path, records: map[Key]*line{}}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return peeked{j}, nil
	}
	if err == nil {
		_, err = j.read(f)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("cutover: journal %s: %w", path, err)
	}
	return peeked{j}, nil
}

// peeked is a FileJournal without its file.
type peeked struct{ *FileJournal }

// Save refuses.
func (p peeked) Save(context.Context, *Record) error {
	return fmt.Errorf("%w: %s was opened to be read only", ErrLocked, p.path)
}
