package federation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// SchemaVersion is the version of the saved form of a plan that this package writes.
const SchemaVersion = 1

// ErrEdited means: a saved plan is not what was saved.
var ErrEdited = errors.New("the saved plan was edited or damaged: plan again")

// SavedStatus says how far a saved plan has got. It makes a plan single-use.
type SavedStatus string

const (
	// SavedNew means: nothing has been applied.
	SavedNew SavedStatus = "new"
	// SavedApplying means: an apply has begun and not finished; the next one resumes it.
	SavedApplying SavedStatus = "applying"
	// SavedApplied means: every change is in force; the plan is used.
	SavedApplied SavedStatus = "applied"
)

// Saved is a plan in its saved form: one JSON object with the plan's own fields at the top level, a schema version, a digest that shows
// edits, and how far it has got.
type Saved struct {
	Schema int         `json:"schema"`
	Digest string      `json:"digest"`
	Status SavedStatus `json:"status"`
	*Plan
}

// Save writes the plan to w, as new.
func Save(w io.Writer, p *Plan) error {
	s := &Saved{Schema: SchemaVersion, Digest: p.Digest(), Status: SavedNew, Plan: p}
	if err := s.encode(w); err != nil {
		return fmt.Errorf("federation: save plan: %w", err)
	}
	return nil
}

func (s *Saved) encode(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(s)
}

// Load reads a saved plan and checks that it is what was saved: ErrEdited if not. A used plan loads, so that it can be shown.
func Load(r io.Reader) (*Saved, error) {
	dec := json.NewDecoder(r)
	s := &Saved{}
	if err := dec.Decode(s); err != nil {
		return nil, fmt.Errorf("federation: load plan: %w", err)
	}
	if s.Schema != SchemaVersion {
		return nil, fmt.Errorf("federation: load plan: schema version %d, this release reads %d", s.Schema, SchemaVersion)
	}
	if s.Plan == nil || s.Plan.Digest() != s.Digest {
		return nil, fmt.Errorf("federation: load plan: %w", ErrEdited)
	}
	return s, nil
}
