package cutover

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// standing says how an object stands to what an edit wants.
type standing string

const (
	standDone    standing = "done"    // every field holds its new value
	standToDo    standing = "to do"   // at least one field holds its old value, none a foreign one
	standForeign standing = "foreign" // a field holds a value that is neither, or the object is another
	standGone    standing = "gone"    // the object is not there
	standUnknown standing = "unknown" // nobody knows where the field lies
)

// decision is what to do about an edit, and why.
type decision struct {
	standing standing
	why      string
}

// decide compares an edit with the live object (nil: not there) and with what the journal remembers of it (nil: nothing). It is pure:
// it is the resume table of the package.
func decide(e *Edit, act *Act, live *unstructured.Unstructured) decision {
	want := e.Ref.UID
	if act != nil && act.Ref.UID != "" {
		want = act.Ref.UID
	}
	if e.Verb == Delete {
		return decideDelete(e, want, live)
	}
	if live == nil {
		return decision{standGone, fmt.Sprintf("%s is not there any more", e.Ref)}
	}
	if got := string(live.GetUID()); want != "" && got != want {
		return decision{standForeign, fmt.Sprintf("%s was deleted and created again (UID %s, was %s)", e.Ref, got, want)}
	}
	return compareFields(editFields(e, act), live)
}

func decideDelete(e *Edit, uid string, live *unstructured.Unstructured) decision {
	switch {
	case live == nil:
		return decision{standing: standDone}
	case uid != "" && string(live.GetUID()) != uid:
		return decision{standForeign, fmt.Sprintf("%s was deleted and created again (UID %s, was %s)", e.Ref, live.GetUID(), uid)}
	}
	return decision{standing: standToDo}
}

// editFields are the fields to compare: those of the act, which know their before-images, or else those of the plan.
func editFields(e *Edit, act *Act) []Field {
	if act != nil && len(act.Fields) > 0 {
		return act.Fields
	}
	return e.Fields
}

// compareFields says how an object stands to fields.
func compareFields(fields []Field, live *unstructured.Unstructured) decision {
	out := decision{standing: standDone}
	for _, f := range fields {
		if f.Path == nil {
			return decision{standUnknown, "the place of the pod template is unknown"}
		}
		value, _ := lookup(live.Object, f.Path)
		switch {
		case same(value, f.After):
		case f.Live || same(value, f.Before):
			out = decision{standToDo, fmt.Sprintf("%s is %s", strings.Join(f.Path, "."), show(value))}
		default:
			return decision{standForeign, fmt.Sprintf("%s of %s/%s is %s, neither %s nor %s; last written by %s",
				strings.Join(f.Path, "."), live.GetKind(), live.GetName(), show(value), show(f.Before), show(f.After),
				strings.Join(owners(live, f.Path), ", "))}
		}
	}
	return out
}

// beforeImages returns the fields with the values that the object holds now.
func beforeImages(fields []Field, live *unstructured.Unstructured) []Field {
	out := make([]Field, 0, len(fields))
	for _, f := range fields {
		value, _ := lookup(live.Object, f.Path)
		out = append(out, Field{Path: f.Path, Before: value, After: f.After})
	}
	return out
}

func show(v any) string {
	if v == nil {
		return "absent"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// owners returns the field managers that own a path of map keys, as managedFields tells.
func owners(live *unstructured.Unstructured, path []string) []string {
	var out []string
	for _, m := range live.GetManagedFields() {
		if m.FieldsV1 == nil {
			continue
		}
		var fields map[string]any
		if json.Unmarshal(m.FieldsV1.GetRawBytes(), &fields) != nil {
			continue
		}
		keys := make([]string, 0, len(path))
		for _, p := range path {
			keys = append(keys, "f:"+p)
		}
		if _, ok := lookup(fields, keys); ok {
			out = append(out, m.Manager)
		}
	}
	if len(out) == 0 {
		out = append(out, "nobody known")
	}
	return out
}
