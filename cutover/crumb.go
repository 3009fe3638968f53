package cutover

import (
	"encoding/json"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// Breadcrumbs are annotations on the objects that a unit changes, never in a pod template. A lost journal is rebuilt from them.
const (
	// CrumbAnnotation says which unit of which lineage added fields to the object.
	CrumbAnnotation = "wimigrate.github.io/cutover"
	// UnbindAnnotation says the same of the removal of the old label, with the before-images of what holds the rollout.
	UnbindAnnotation = "wimigrate.github.io/unbind"
)

// Crumb is the JSON value of a breadcrumb.
type Crumb struct {
	Lineage string `json:"lineage"`
	Unit    string `json:"unit"`
	Edit    string `json:"edit"`
	// Fields and Hold are the before-images.
	Fields []Field `json:"fields,omitempty"`
	Hold   []Field `json:"hold,omitempty"`
}

// readCrumbs returns the breadcrumbs of an object that belong to a unit of a lineage.
func readCrumbs(live *unstructured.Unstructured, lineage, unit string) []Crumb {
	var out []Crumb
	for _, key := range [...]string{CrumbAnnotation, UnbindAnnotation} {
		var c Crumb
		value, ok := live.GetAnnotations()[key]
		if ok && json.Unmarshal([]byte(value), &c) == nil && c.Lineage == lineage && c.Unit == unit {
			out = append(out, c)
		}
	}
	return out
}

// adopt gives an act that found its work done the before-images of the breadcrumb, if the work was this unit's own: that is how a lost
// journal comes back.
func (u *unitRun) adopt(act *Act, e *Edit, live *unstructured.Unstructured) {
	if live == nil {
		return
	}
	for _, c := range readCrumbs(live, u.plan.Lineage, u.unit.ID) {
		if c.Edit != e.ID {
			continue
		}
		u.rec.Rebuilt = true
		act.Note, act.Hold = "", c.Hold
		if act.Fields = c.Fields; len(act.Fields) == 0 {
			act.Fields = slices.Clone(e.Fields)
		}
	}
}

// isOldLabel reports whether a path is that of the old label of a pod template.
func isOldLabel(path []string) bool { return len(path) > 0 && path[len(path)-1] == podidentity.Label }
