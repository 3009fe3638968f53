package federation

import (
	"context"
	"fmt"
	"os"

	"github.com/wimigrate/wimigrate/internal/wholefile"
)

// SaveFile writes the plan to a file, whole or not at all.
func SaveFile(path string, p *Plan) error {
	return writeFile(path, &Saved{Schema: SchemaVersion, Digest: p.Digest(), Status: SavedNew, Plan: p})
}

// LoadFile reads a plan that SaveFile wrote.
func LoadFile(path string) (*Saved, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("federation: load plan: %w", err)
	}
	defer f.Close()
	return Load(f)
}

// ApplyFile applies a saved plan once. It marks the file before the first write and again when every change is in force; a plan that
// carries the second mark is refused with ErrUsed, one with the first resumes. The report is never nil.
func ApplyFile(ctx context.Context, s Store, path string, opts *ApplyOptions) (*Report, error) {
	saved, err := LoadFile(path)
	if err != nil {
		return &Report{}, err
	}
	if saved.Status == SavedApplied {
		return &Report{Plan: saved.Digest}, fmt.Errorf("federation: %s: %w", path, ErrUsed)
	}
	saved.Status = SavedApplying
	if err := writeFile(path, saved); err != nil {
		return &Report{Plan: saved.Digest}, err
	}
	report, err := Apply(ctx, s, saved.Plan, opts)
	if err != nil || !report.Complete() {
		return report, err
	}
	saved.Status = SavedApplied
	return report, writeFile(path, saved)
}

// writeFile replaces the file whole.
func writeFile(path string, s *Saved) error {
	if err := wholefile.Write(path, 0o600, s.encode); err != nil {
		return fmt.Errorf("federation: save plan: %w", err)
	}
	return nil
}
