package manifest

import (
	"errors"
	"io"
)

// errTooLarge says that one object would need more than the buffer may hold.
var errTooLarge = errors.New("object is larger than 16 MiB")

// buffer is a window on a stream. Bytes from start on are kept, so that what lies between two positions can be looked at again;
// positions are valid until more is called, which moves the window and says by how much through start becoming 0.
type buffer struct {
	r     io.Reader
	data  []byte
	start int // the first byte that must be kept
	pos   int // the next byte to look at
	end   int // the end of what was read
	limit int
	err   error // the reader's error, io.EOF included; sticky
}

func newBuffer(r io.Reader, limit int) *buffer {
	return &buffer{r: r, data: make([]byte, 256<<10), limit: limit}
}

// more reads at least one byte beyond end. It returns io.EOF at the end of the stream, errTooLarge when the kept part fills the limit.
func (b *buffer) more() error {
	if b.err != nil {
		return b.err
	}
	if b.start > 0 {
		copy(b.data, b.data[b.start:b.end])
		b.pos -= b.start
		b.end -= b.start
		b.start = 0
	}
	if b.end == len(b.data) {
		if len(b.data) >= b.limit {
			return errTooLarge
		}
		grown := make([]byte, min(2*len(b.data), b.limit))
		copy(grown, b.data[:b.end])
		b.data = grown
	}
	for range 100 {
		n, err := b.r.Read(b.data[b.end:])
		b.end += n
		if err != nil {
			b.err = err
		}
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	b.err = io.ErrNoProgress
	return b.err
}

// peek returns the next byte without consuming it.
func (b *buffer) peek() (byte, error) {
	if b.pos == b.end {
		if err := b.more(); err != nil {
			return 0, err
		}
	}
	return b.data[b.pos], nil
}
