package fault

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/http"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// fuse burns from the moment a watch has begun.
type fuse struct {
	http.ResponseWriter

	burn  func() *time.Timer
	timer *time.Timer
}

// WriteHeader implements http.ResponseWriter.
func (f *fuse) WriteHeader(status int) {
	if f.timer == nil && status == http.StatusOK {
		f.timer = f.burn()
	}
	f.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController flush.
func (f *fuse) Unwrap() http.ResponseWriter { return f.ResponseWriter }

// cutter lets some bytes through and then cuts the connection, if there are more.
type cutter struct {
	http.ResponseWriter

	left int
	cut  func()
}

// Write implements http.ResponseWriter.
func (c *cutter) Write(b []byte) (int, error) {
	if len(b) <= c.left {
		c.left -= len(b)
		return c.ResponseWriter.Write(b)
	}
	c.cut()
	_, _ = c.ResponseWriter.Write(b[:c.left])
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// Unwrap lets http.ResponseController flush.
func (c *cutter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// dribbler writes byte by byte, with a pause before each.
type dribbler struct {
	http.ResponseWriter

	ctx   context.Context // of the one request that it answers
	pause time.Duration
	begun func()
}

// Write implements http.ResponseWriter.
func (d *dribbler) Write(b []byte) (int, error) {
	for i := range b {
		d.begun()
		if err := pause.For(d.ctx, d.pause); err != nil {
			return i, err
		}
		if _, err := d.ResponseWriter.Write(b[i : i+1]); err != nil {
			return i, err
		}
		if err := http.NewResponseController(d.ResponseWriter).Flush(); err != nil {
			return i, err
		}
	}
	return len(b), nil
}

// Unwrap lets http.ResponseController flush.
func (d *dribbler) Unwrap() http.ResponseWriter { return d.ResponseWriter }

// frames hands on the events of a watch one by one, and nothing of one that is not whole.
type frames struct {
	http.ResponseWriter

	each   func(event []byte) error
	buffer []byte
}

// twice tells each event two times.
func twice(w http.ResponseWriter, told func()) *frames {
	return &frames{ResponseWriter: w, each: func(event []byte) error {
		told()
		_, err := w.Write(append(bytes.Clone(event), event...))
		return err
	}}
}

// Write implements http.ResponseWriter.
func (f *frames) Write(b []byte) (int, error) {
	f.buffer = append(f.buffer, b...)
	for n := f.first(); n > 0; n = f.first() {
		if err := f.each(f.buffer[:n]); err != nil {
			return 0, err
		}
		f.buffer = f.buffer[n:]
	}
	return len(b), nil
}

// first is the length of the first event, or 0: a line of JSON, or a message of protobuf after its length.
func (f *frames) first() int {
	if !strings.Contains(f.Header().Get("Content-Type"), "protobuf") {
		return bytes.IndexByte(f.buffer, '\n') + 1
	}
	const head = 4
	if len(f.buffer) < head {
		return 0
	}
	if n := head + int(binary.BigEndian.Uint32(f.buffer)); n <= len(f.buffer) {
		return n
	}
	return 0
}

// Unwrap lets http.ResponseController flush.
func (f *frames) Unwrap() http.ResponseWriter { return f.ResponseWriter }
