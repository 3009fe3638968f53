package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// SnapshotSchema is the version of the form in which [WriteSnapshot] saves.
const SnapshotSchema = 1

// ErrSchema is what [ReadSnapshot] refuses a file with that is no saved snapshot, or one of a later version.
var ErrSchema = errors.New("catalog: not a saved snapshot that this version can read")

// savedSnapshot is a saved snapshot: the schema comes first, so that a reader of another version knows before it reads on.
type savedSnapshot struct {
	Schema   int       `json:"wimigrateSnapshot"`
	Snapshot *Snapshot `json:"snapshot"`
}

// WriteSnapshot saves a snapshot as JSON, so that a scan can be replayed elsewhere. The same snapshot gives the same bytes.
func WriteSnapshot(w io.Writer, s *Snapshot) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	if err := e.Encode(savedSnapshot{Schema: SnapshotSchema, Snapshot: s}); err != nil {
		return fmt.Errorf("catalog: save the snapshot of cluster %s: %w", s.Cluster.Name, err)
	}
	return nil
}

// ReadSnapshot reads what [WriteSnapshot] saved. A later schema is refused with [ErrSchema]: what it says in fields that are unknown
// here would be lost, and missing data must not look clean.
func ReadSnapshot(r io.Reader) (*Snapshot, error) {
	var version struct {
		Schema   int             `json:"wimigrateSnapshot"`
		Snapshot json.RawMessage `json:"snapshot"`
	}
	if err := json.NewDecoder(r).Decode(&version); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSchema, err)
	}
	switch {
	case version.Schema < 1:
		return nil, fmt.Errorf("%w: it does not begin with wimigrateSnapshot; write it with WriteSnapshot", ErrSchema)
	case version.Schema > SnapshotSchema:
		return nil, fmt.Errorf("%w: it has schema %d and this version knows %d; use the version that wrote it, or a later one",
			ErrSchema, version.Schema, SnapshotSchema)
	}
	var s *Snapshot
	if err := json.Unmarshal(version.Snapshot, &s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSchema, err)
	}
	if s == nil {
		return nil, fmt.Errorf("%w: it holds no snapshot", ErrSchema)
	}
	return s, nil
}

// Saved returns a source that yields a snapshot that was read before. The snapshot must not change afterwards.
func Saved(s *Snapshot) Source { return saved{s} }

type saved struct{ snap *Snapshot }

// ClusterName implements [Source].
func (s saved) ClusterName() string { return s.snap.Cluster.Name }

// Read implements [Source].
func (s saved) Read(context.Context) (*Snapshot, error) { return s.snap, nil }
