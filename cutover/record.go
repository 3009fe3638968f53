package cutover

import (
	"encoding/json"
	"fmt"
)

// DecodeRecord reads the stored text of a record, for implementations of [Journal]. It refuses a newer schema (ErrSchema).
func DecodeRecord(text []byte, version string) (*Record, error) {
	var r Record
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("cutover: journal record: %w", err)
	}
	if r.Schema > Schema {
		return nil, fmt.Errorf("%w: record of %s has schema %d, known %d", ErrSchema, r.Unit, r.Schema, Schema)
	}
	r.Version = version
	return &r, nil
}
