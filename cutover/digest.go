package cutover

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// ErrPlanChanged means: the plan is not the one that the journal knows, or not the one that was made. Plan again.
var ErrPlanChanged = errors.New("cutover: the plan has changed")

// computeDigest covers everything but the digest.
func (p *Plan) computeDigest() string {
	q := *p
	q.Digest = ""
	return digestJSON(q)
}

// Check reports whether the plan is as NewPlan made it: ErrSchema for a newer schema, ErrPlanChanged if it was edited since. A plan
// that fails can still be shown.
func (p *Plan) Check() error {
	if p.Schema > Schema {
		return fmt.Errorf("%w: plan schema %d, known %d", ErrSchema, p.Schema, Schema)
	}
	if p.Digest != p.computeDigest() {
		return fmt.Errorf("%w: its digest is not that of its content; it was edited or cut short", ErrPlanChanged)
	}
	return nil
}

// Encode writes the plan as indented JSON, the same bytes for the same plan.
func (p *Plan) Encode(w io.Writer) error {
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// ReadPlan reads a plan as Encode wrote it. The plan comes back even when Check fails, with that error, so that it can be shown.
func ReadPlan(r io.Reader) (*Plan, error) {
	var p Plan
	if err := json.NewDecoder(r).Decode(&p); err != nil {
		return nil, fmt.Errorf("cutover: read plan: %w", err)
	}
	return &p, p.Check()
}

// digestJSON hashes the JSON of a value whose JSON is canonical: no maps of other than string keys, slices sorted.
func digestJSON(v any) string {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		return "" // unreachable: plans hold nothing that JSON cannot
	}
	sum := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(sum[:])
}

// digestCatalog hashes a catalog whatever its order.
func digestCatalog(c *catalog.Catalog) string {
	return digestJSON([][]string{sortedDigests(c.Clusters), sortedDigests(c.Needs), sortedDigests(c.Findings)})
}

func digestFederation(p *federation.Plan) string {
	return digestJSON([][]string{{p.Topology}, sortedDigests(p.Changes), sortedDigests(p.Findings)})
}

func sortedDigests[T any](items []T) []string {
	out := make([]string, 0, len(items))
	for _, it := range items {
		out = append(out, digestJSON(it))
	}
	slices.Sort(out)
	return out
}
