package cutovertest

import (
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/wimigrate/wimigrate/cutover"
)

// change is one write as the API server handles it: on a copy, which is then stored or thrown away.
func (c *Cluster) change(w cutover.Write, manager string, dry bool) (*object, error) {
	old := c.find(w.Ref.Kind, w.Ref.Namespace, w.Ref.Name)
	if w.Verb == cutover.Create {
		return c.createBy(w, old, manager, dry)
	}
	if old == nil && w.Verb == cutover.Apply {
		return c.applyNew(w, manager, dry)
	}
	if old == nil {
		return nil, notFound(w.Ref)
	}
	if err := c.preconditions(w, old); err != nil {
		return nil, err
	}
	next := &object{data: runtime.DeepCopyJSON(old.data), owners: old.owners.clone()}
	var err error
	switch w.Verb {
	case cutover.Apply:
		err = applyTo(next, w, manager)
	case cutover.Patch:
		if w.Subresource != "" {
			err = patchScale(next, w, manager)
		} else {
			err = patchTo(next, w, manager)
		}
	case cutover.Delete:
		if !dry {
			c.noted(manager, old, old.data, nil)
			c.remove(old)
		}
		return old, nil
	case cutover.Evict:
		if err := c.mayEvict(old); err != nil {
			return nil, err
		}
		if !dry {
			c.evictPod(old)
		}
		return old, nil
	default:
		err = fmt.Errorf("cutovertest: verb %q", w.Verb)
	}
	if err != nil {
		return nil, err
	}
	if err := validate(old, next); err != nil {
		return nil, invalid(w.Ref, err.Error())
	}
	if dry || sameJSON(old.data, next.data) && len(old.owners) == len(next.owners) && maps.EqualFunc(old.owners, next.owners, maps.Equal[map[string]bool, map[string]bool]) {
		return next, nil
	}
	if hasGeneration(next.kind()) && !sameJSON(old.data["spec"], next.data["spec"]) {
		next.u().SetGeneration(old.u().GetGeneration() + 1)
	}
	before := old.data
	old.data, old.owners = next.data, next.owners
	c.put(old)
	c.noted(manager, old, before, old.data)
	c.touched(old)
	return old, nil
}

func (c *Cluster) preconditions(w cutover.Write, old *object) error {
	changed := w.ResourceVersion != "" && w.ResourceVersion != old.u().GetResourceVersion()
	switch other := w.Ref.UID != "" && w.Ref.UID != old.uid(); {
	case other && w.Verb == cutover.Patch:
		return invalid(w.Ref, "the server rejected our request due to an error in our request")
	case other && w.Verb == cutover.Apply && !changed: // the UID is one more field of the object, and immutable
		return invalid(w.Ref, "metadata.uid: Invalid value: \""+w.Ref.UID+"\": field is immutable")
	case other:
		return conflict(w.Ref, "Precondition failed: UID in precondition: "+w.Ref.UID+", UID in object meta: "+old.uid())
	case changed:
		return conflict(w.Ref, "the object has been modified; please apply your changes to the latest version and try again")
	}
	return nil
}

// applyTo is server-side apply without force, on maps of leaf values.
func applyTo(o *object, w cutover.Write, manager string) error {
	var body map[string]any
	if err := json.Unmarshal(w.Body, &body); err != nil {
		return invalid(w.Ref, err.Error())
	}
	me := owner{manager, opApply}
	want := leaves(body)
	for _, p := range want {
		value, _ := leaf(body, p)
		have, there := leaf(o.data, p)
		if there && !sameJSON(have, value) {
			if others := o.owners.others(p, me); len(others) > 0 {
				return conflict(w.Ref, fmt.Sprintf("Apply failed with 1 conflict: conflict with %q: .%s", others[0], strings.ReplaceAll(p, "\x00", ".")))
			}
		}
	}
	for p := range o.owners[me] {
		if _, ok := leaf(body, p); !ok && len(o.owners.others(p, me)) == 0 {
			removeLeaf(o.data, strings.Split(p, "\x00"))
		}
	}
	delete(o.owners, me)
	for _, p := range want {
		value, _ := leaf(body, p)
		path := strings.Split(p, "\x00")
		child(o.data, path[:len(path)-1]...)[path[len(path)-1]] = value
	}
	if len(want) > 0 {
		o.owners.set(manager, opApply, want)
	}
	return nil
}

// removeLeaf removes a field, and the maps that it leaves empty below metadata.
func removeLeaf(m map[string]any, path []string) {
	if len(path) == 1 {
		delete(m, path[0])
		return
	}
	next, ok := m[path[0]].(map[string]any)
	if !ok {
		return
	}
	removeLeaf(next, path[1:])
	if len(next) == 0 {
		delete(m, path[0])
	}
}

// patchTo is a JSON Patch (RFC 6902) of test, add, remove and replace on maps.
func patchTo(o *object, w cutover.Write, manager string) error {
	var ops []any
	if err := json.Unmarshal(w.Body, &ops); err != nil {
		return invalid(w.Ref, err.Error())
	}
	before := runtime.DeepCopyJSON(o.data)
	for _, it := range ops {
		op, _ := it.(map[string]any)
		pointer, _ := op["path"].(string)
		verb, _ := op["op"].(string)
		var path []string
		for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
			path = append(path, pointerEscapes.Replace(part))
		}
		if err := patchOne(o.data, verb, path, op["value"]); err != nil {
			return invalid(w.Ref, "the server rejected our request due to an error in our request: "+err.Error())
		}
	}
	prune(before, o.data)
	set, gone := changedLeaves(before, o.data)
	o.owners.forget(gone)
	o.owners.take(manager, opUpdate, set)
	return nil
}

// pointerEscapes are those of RFC 6901.
var pointerEscapes = strings.NewReplacer("~1", "/", "~0", "~")

// prune drops the maps that a change has left empty: the API server does not store them.
func prune(before, m map[string]any) {
	for key, value := range m {
		now, ok := value.(map[string]any)
		if !ok {
			continue
		}
		was, _ := before[key].(map[string]any)
		if prune(was, now); len(now) == 0 && len(was) > 0 {
			delete(m, key)
		}
	}
}

func patchOne(m map[string]any, op string, path []string, value any) error {
	for _, key := range path[:len(path)-1] {
		next, ok := m[key].(map[string]any)
		if !ok {
			return fmt.Errorf("no %s", strings.Join(path, "/"))
		}
		m = next
	}
	last := path[len(path)-1]
	have, there := m[last]
	switch {
	case op == "add":
		m[last] = value
	case !there:
		return fmt.Errorf("no %s to %s", strings.Join(path, "/"), op)
	case op == "test" && !sameJSON(have, value):
		return fmt.Errorf("testing %s: not equal", strings.Join(path, "/"))
	case op == "test":
	case op == "replace":
		m[last] = value
	case op == "remove":
		delete(m, last)
	default:
		return fmt.Errorf("operation %q", op)
	}
	return nil
}
