package cutover

import (
	"encoding/json"
	"reflect"
	"strconv"
)

// lookup returns the value at a path of nested maps; in a list an element of the path is an index.
func lookup(object map[string]any, path []string) (any, bool) {
	var at any = object
	for _, key := range path {
		switch m := at.(type) {
		case map[string]any:
			at = m[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(m) {
				return nil, false
			}
			at = m[i]
		default:
			return nil, false
		}
	}
	return at, at != nil
}

// setAt sets the value at a path, making the maps on the way.
func setAt(object map[string]any, path []string, value any) {
	for _, key := range path[:len(path)-1] {
		next, ok := object[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			object[key] = next
		}
		object = next
	}
	object[path[len(path)-1]] = value
}

// same reports whether two JSON values are equal, whatever Go types hold their numbers.
func same(a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return reflect.DeepEqual(normal(a), normal(b))
}

func normal(v any) any {
	switch n := v.(type) {
	case string, bool, float64:
		return v
	case int:
		return float64(n)
	case int32:
		return float64(n)
	case int64:
		return float64(n)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var out any
	if json.Unmarshal(b, &out) != nil {
		return v
	}
	return out
}

// number64 reads an integer field; 0 where there is none.
func number64(object map[string]any, path ...string) int64 {
	v, ok := lookup(object, path)
	if !ok {
		return 0
	}
	n, _ := normal(v).(float64)
	return int64(n)
}

// text reads a string field; "" where there is none.
func text(object map[string]any, path ...string) string {
	v, _ := lookup(object, path)
	s, _ := v.(string)
	return s
}
