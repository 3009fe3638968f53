package cutovertest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

const (
	opApply  = "Apply"
	opUpdate = "Update"
)

// owner is one entry of managedFields.
type owner struct{ manager, operation string }

// owners says which manager owns which leaf fields. A leaf is anything but a map; its path is joined by a NUL.
type owners map[owner]map[string]bool

func (o owners) set(manager, operation string, paths []string) {
	k := owner{manager, operation}
	if o[k] == nil {
		o[k] = map[string]bool{}
	}
	for _, p := range paths {
		o[k][p] = true
	}
}

// take gives changed fields to one owner, away from all others.
func (o owners) take(manager, operation string, paths []string) {
	o.forget(paths)
	o.set(manager, operation, paths)
}

func (o owners) forget(paths []string) {
	for k, owned := range o {
		for _, p := range paths {
			delete(owned, p)
		}
		if len(owned) == 0 {
			delete(o, k)
		}
	}
}

// others are the owners of a path but one, sorted.
func (o owners) others(path string, but owner) []string {
	var out []string
	for k, owned := range o {
		if k != but && owned[path] {
			out = append(out, k.manager)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (o owners) clone() owners {
	out := owners{}
	for k, owned := range o {
		m := make(map[string]bool, len(owned))
		for p := range owned {
			m[p] = true
		}
		out[k] = m
	}
	return out
}

// managedFields renders the owners as the API does (fieldsV1).
func (o owners) managedFields() []any {
	keys := make([]owner, 0, len(o))
	for k := range o {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b owner) int { return strings.Compare(a.manager+a.operation, b.manager+b.operation) })
	var out []any
	for _, k := range keys {
		fields := map[string]any{}
		for p := range o[k] {
			at := fields
			for key := range strings.SplitSeq(p, "\x00") {
				at = child(at, "f:"+key)
			}
		}
		out = append(out, map[string]any{"manager": k.manager, "operation": k.operation, "fieldsType": "FieldsV1", "fieldsV1": fields})
	}
	return out
}

// notOwned are the fields that nobody owns, because the server sets them.
var notOwned = [...]string{"apiVersion", "kind", "metadata\x00name", "metadata\x00namespace", "metadata\x00uid", "metadata\x00resourceVersion",
	"metadata\x00creationTimestamp", "metadata\x00generation", "metadata\x00managedFields"}

// leaves are the paths of the leaf fields of an object, sorted.
func leaves(m map[string]any) []string {
	var out []string
	var walk func(prefix string, m map[string]any)
	walk = func(prefix string, m map[string]any) {
		for key, v := range m {
			path := key
			if prefix != "" {
				path = prefix + "\x00" + key
			}
			if next, ok := v.(map[string]any); ok && len(next) > 0 {
				walk(path, next)
			} else if !slices.Contains(notOwned[:], path) && !strings.HasPrefix(path, "status\x00") {
				out = append(out, path)
			}
		}
	}
	walk("", m)
	slices.Sort(out)
	return out
}

// leaf returns the value at a joined path.
func leaf(m map[string]any, path string) (any, bool) {
	var at any = m
	for key := range strings.SplitSeq(path, "\x00") {
		next, ok := at.(map[string]any)
		if !ok {
			return nil, false
		}
		if at, ok = next[key]; !ok {
			return nil, false
		}
	}
	return at, true
}

// changedLeaves are the paths whose values differ between two objects.
func changedLeaves(before, after map[string]any) (set, gone []string) {
	for _, p := range leaves(after) {
		a, _ := leaf(after, p)
		if b, ok := leaf(before, p); !ok || !sameJSON(a, b) {
			set = append(set, p)
		}
	}
	for _, p := range leaves(before) {
		if _, ok := leaf(after, p); !ok {
			gone = append(gone, p)
		}
	}
	return set, gone
}

// sameJSON reports whether two values are the same as JSON. Objects are compared by field, for they may be large.
func sameJSON(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && (x == nil) == (y == nil) && maps.EqualFunc(x, y, sameJSON)
	case []any:
		y, ok := b.([]any)
		return ok && (x == nil) == (y == nil) && slices.EqualFunc(x, y, sameJSON)
	case string, bool, nil:
		return a == b
	case int64:
		if y, ok := b.(int64); ok {
			return x == y
		}
	}
	x, errX := json.Marshal(a) // numbers of different types may be the same
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
