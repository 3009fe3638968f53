package cutover

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// applyBody returns the object of a server-side apply that sets the fields to their After values, with a breadcrumb. Preconditions are
// added when it is sent. An After of nil is left out, which gives the field up.
func applyBody(r Ref, fields []Field, crumb string) map[string]any {
	meta := map[string]any{"name": r.Name}
	if r.Namespace != "" {
		meta["namespace"] = r.Namespace
	}
	body := map[string]any{"apiVersion": r.APIVersion, "kind": r.Kind, "metadata": meta}
	if crumb != "" {
		setAt(body, annotation(CrumbAnnotation), crumb)
	}
	for _, f := range fields {
		if f.After != nil {
			setAt(body, f.Path, f.After)
		}
	}
	return body
}

// operation is one operation of a JSON Patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// patchOps returns the operations that take the fields from Before to After: a test of the old value, then the change. Maps that the
// object lacks are added first; live is the object, and nil when only a reader will see the patch.
func patchOps(fields []Field, live map[string]any) []operation {
	var ops []operation
	made := map[string]bool{}
	for _, f := range fields {
		p := pointer(f.Path)
		if f.Before != nil {
			ops = append(ops, operation{"test", p, f.Before})
		}
		switch {
		case f.After == nil && f.Before != nil:
			ops = append(ops, operation{Op: "remove", Path: p})
		case f.After == nil:
		case f.Before != nil:
			ops = append(ops, operation{"replace", p, f.After})
		default:
			for n := 1; live != nil && n < len(f.Path); n++ {
				parent := f.Path[:n]
				if _, ok := lookup(live, parent); !ok && !made[pointer(parent)] {
					made[pointer(parent)] = true
					ops = append(ops, operation{"add", pointer(parent), map[string]any{}})
				}
			}
			ops = append(ops, operation{"add", p, f.After})
		}
	}
	return ops
}

// pointerEscapes are those of RFC 6901.
var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// pointer is a JSON Pointer (RFC 6901).
func pointer(path []string) string {
	var b strings.Builder
	for _, s := range path {
		b.WriteByte('/')
		b.WriteString(pointerEscapes.Replace(s))
	}
	return b.String()
}

// invert swaps Before and After.
func invert(fields []Field) []Field {
	out := make([]Field, 0, len(fields))
	for _, f := range fields {
		out = append(out, Field{Path: f.Path, Before: f.After, After: f.Before})
	}
	return out
}

// spellOut writes into every edit what a reviewer wants to see: the guards, the patch and its inverse.
func spellOut(u *Unit, lineage string) {
	for i := range u.Steps {
		for j := range u.Steps[i].Edits {
			e := &u.Steps[i].Edits[j]
			e.Preconditions = []string{"metadata.uid: " + orLive(e.Ref.UID), "metadata.resourceVersion: as last observed"}
			for _, f := range e.Fields {
				if f.Before != nil && f.Path != nil {
					e.Preconditions = append(e.Preconditions, fmt.Sprintf("%s: %v", strings.Join(f.Path, "."), f.Before))
				}
			}
			e.spell(Crumb{Lineage: lineage, Unit: u.ID, Edit: e.ID})
		}
	}
}

func (e *Edit) spell(c Crumb) {
	known := !slices.ContainsFunc(e.Fields, func(f Field) bool { return f.Path == nil })
	switch {
	case !known:
		e.Patch, e.Inverse = "by a person: the place of the pod template is unknown", "by a person"
	case e.Manual:
		e.Patch, e.Inverse = "by a person: "+compact(patchOps(e.Fields, nil)), "by a person: "+compact(patchOps(invert(e.Fields), nil))
	case strings.HasPrefix(e.ID, suspendPrefix):
		e.Patch = compact(patchOps(e.Fields, nil)) + ", and the unit is put on the list in " + SuspendAnnotation
		e.Inverse = compact(patchOps(invert(e.Fields), nil)) + " by the last unit on that list"
	case strings.HasPrefix(e.ID, resumePrefix):
		e.Patch, e.Inverse = compact(patchOps(e.Fields, nil))+" by the last unit on the list in "+SuspendAnnotation, "none"
	case e.Verb == Apply:
		e.Patch = compact(applyBody(e.Ref, e.Fields, compact(c)))
		e.Inverse = compact(applyBody(e.Ref, nil, ""))
	case e.AddOn:
		e.Patch, e.Inverse = "by ARM: its entry leaves podIdentityProfile", "by ARM: a person adds the entry again, and the add-on makes the object"
	case e.Verb == Delete:
		e.Patch, e.Inverse = "delete", "create from the before-image in the journal"
	case e.Release != "" && e.Ref.Kind == "StatefulSet":
		e.Patch, e.Inverse = "the partition of "+e.Release+", down by ordinalStep until it is back at its before-image", "none"
	case e.Release != "":
		e.Patch, e.Inverse = "the hold fields of "+e.Release+", back to their before-images", "none"
	default:
		e.Patch, e.Inverse = compact(patchOps(e.Fields, nil)), compact(patchOps(invert(e.Fields), nil))
	}
}

func orLive(uid string) string {
	if uid == "" {
		return "as first observed"
	}
	return uid
}

func compact(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
