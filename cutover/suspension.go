package cutover

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// SuspendAnnotation is on the object of a GitOps tool while units hold it suspended: which, why, and what to put back when the last of
// them leaves. Units share a tool, and a journal may be lost: the object itself says how it stands.
const SuspendAnnotation = "wimigrate.github.io/suspended"

// Suspension is the JSON value of that annotation.
type Suspension struct {
	// Was is the value of the tool's own field before the first unit came; absent where it had none.
	Was any `json:"was,omitempty"`
	// By are the units that hold the tool, sorted.
	By []Suspender `json:"by"`
}

// Suspender is one unit that holds a tool suspended.
type Suspender struct {
	Lineage string `json:"lineage"`
	Unit    string `json:"unit"`
	// Actor is the runner that suspended the tool for the unit, and Why its reason.
	Actor string `json:"actor"`
	Why   string `json:"why"`
}

// readSuspension reads the annotation of a tool; one that is not there, or not ours, is a suspension by nobody.
func readSuspension(live *unstructured.Unstructured) Suspension {
	var s Suspension
	if json.Unmarshal([]byte(live.GetAnnotations()[SuspendAnnotation]), &s) != nil {
		return Suspension{}
	}
	return s
}

func (s Suspension) has(lineage, unit string) bool {
	return slices.ContainsFunc(s.By, func(b Suspender) bool { return b.Lineage == lineage && b.Unit == unit })
}

func (s Suspension) with(b Suspender) Suspension {
	s = s.without(b.Lineage, b.Unit)
	s.By = append(s.By, b)
	slices.SortFunc(s.By, func(a, b Suspender) int {
		return cmp.Or(cmp.Compare(a.Lineage, b.Lineage), cmp.Compare(a.Unit, b.Unit))
	})
	return s
}

func (s Suspension) without(lineage, unit string) Suspension {
	s.By = slices.DeleteFunc(slices.Clone(s.By), func(b Suspender) bool { return b.Lineage == lineage && b.Unit == unit })
	return s
}

// units names who holds the tool.
func (s Suspension) units() string {
	var out []string
	for _, b := range s.By {
		out = append(out, b.Unit)
	}
	return strings.Join(out, ", ")
}

// fields are the changes that bring the annotation about; an empty one goes.
func (s Suspension) fields(live *unstructured.Unstructured) []Field {
	f := Field{Path: annotation(SuspendAnnotation)}
	if len(s.By) > 0 {
		f.After = compact(s)
	}
	return beforeImages([]Field{f}, live)
}
