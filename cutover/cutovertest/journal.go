package cutovertest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"sync"

	"github.com/wimigrate/wimigrate/cutover"
)

// Journal is a cutover.Journal in memory. What it holds is what JSON holds, as with the real ones.
type Journal struct {
	mu      sync.Mutex
	records map[cutover.Key]stored
	saves   int
}

type stored struct {
	text    []byte
	version string
}

var _ cutover.Journal = (*Journal)(nil)

// NewJournal returns an empty journal.
func NewJournal() *Journal { return &Journal{records: map[cutover.Key]stored{}} }

// Load implements cutover.Journal.
func (j *Journal) Load(ctx context.Context, k cutover.Key) (*cutover.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	s, ok := j.records[k]
	if !ok {
		return nil, cutover.ErrNoRecord
	}
	return s.record()
}

func (s stored) record() (*cutover.Record, error) {
	return cutover.DecodeRecord(s.text, s.version)
}

// Save implements cutover.Journal.
func (j *Journal) Save(ctx context.Context, r *cutover.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.records[r.Key].version != r.Version {
		return cutover.ErrFenced
	}
	j.saves++
	r.Version = strconv.Itoa(j.saves)
	j.records[r.Key] = stored{text, r.Version}
	return nil
}

// List implements cutover.Journal.
func (j *Journal) List(ctx context.Context) ([]*cutover.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []*cutover.Record
	var errs []error
	for k, s := range j.records {
		r, err := s.record()
		if err != nil {
			errs = append(errs, &cutover.UnreadableError{Key: k, Err: err})
			continue
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b *cutover.Record) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Unit, b.Unit))
	})
	return out, errors.Join(errs...)
}

// Lose forgets everything, as when somebody deletes the file.
func (j *Journal) Lose() {
	j.mu.Lock()
	defer j.mu.Unlock()
	clear(j.records)
}

// Text returns all that the journal holds, to look for what must not be in it.
func (j *Journal) Text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []byte
	for _, s := range j.records {
		out = append(out, s.text...)
	}
	return string(out)
}
