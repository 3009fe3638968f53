package cutovertest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wimigrate/wimigrate/cutover"
)

// object is one stored object and who owns its fields.
type object struct {
	data   map[string]any
	owners owners
	// fields are the owners as managedFields shows them, until they change.
	fields []any
}

type place struct{ kind, namespace string }

func (o *object) u() *unstructured.Unstructured { return &unstructured.Unstructured{Object: o.data} }
func (o *object) kind() string                  { return str(o.data, "kind") }
func (o *object) ns() string                    { return o.meta("namespace") }
func (o *object) name() string                  { return o.meta("name") }
func (o *object) uid() string                   { return o.meta("uid") }

func (o *object) meta(key string) string {
	m, _ := o.data["metadata"].(map[string]any)
	return str(m, key)
}

func str(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

// public is the object as the API gives it out: a copy, with managedFields, which all copies share and nobody may change in place.
func (o *object) public() *unstructured.Unstructured {
	out := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(o.data)}
	if o.fields == nil {
		o.fields = o.owners.managedFields()
	}
	if len(o.fields) > 0 {
		child(out.Object, "metadata")["managedFields"] = o.fields
	}
	return out
}

// find returns a stored object, or nil.
func (c *Cluster) find(kind, namespace, name string) *object {
	return c.objects[place{kind, namespace}][name]
}

// put stores an object as it is now, gives it a new resource version and tells the watches. The caller holds the lock.
func (c *Cluster) put(o *object) {
	at := place{o.kind(), o.ns()}
	if c.objects[at] == nil {
		c.objects[at] = map[string]*object{}
	}
	c.version++
	o.fields = nil
	o.u().SetResourceVersion(strconv.Itoa(c.version))
	c.objects[at][o.name()] = o
	c.tell(cutover.Present, o)
}

// drop forgets an object and tells the watches.
func (c *Cluster) drop(o *object) {
	delete(c.objects[place{o.kind(), o.ns()}], o.name())
	c.version++
	c.tell(cutover.Gone, o)
}

// create stores a new object made by a controller or a test.
func (c *Cluster) create(data map[string]any, manager string) *object {
	o := &object{data: data, owners: owners{}}
	meta := child(data, "metadata")
	meta["uid"] = c.fleet.uid()
	meta["creationTimestamp"] = c.fleet.now.UTC().Format(time.RFC3339)
	if hasGeneration(o.kind()) {
		meta["generation"] = int64(1)
	}
	if manager != "" {
		o.owners.set(manager, opUpdate, leaves(data))
	}
	c.put(o)
	return o
}

func hasGeneration(kind string) bool {
	switch kind {
	case "Pod", "Node", "ServiceAccount", "Namespace", "ConfigMap", "Lease":
		return false
	}
	return true
}

// selected returns the objects of a selection, sorted by namespace and name.
func (c *Cluster) selected(sel cutover.Selection) []*object {
	var out []*object
	for at, byName := range c.objects {
		if at.kind != sel.Kind || sel.Namespace != "" && at.namespace != sel.Namespace {
			continue
		}
		for _, o := range byName {
			if matches(sel, o) {
				out = append(out, o)
			}
		}
	}
	slices.SortFunc(out, func(a, b *object) int {
		if n := strings.Compare(a.ns(), b.ns()); n != 0 {
			return n
		}
		return strings.Compare(a.name(), b.name())
	})
	return out
}

func matches(sel cutover.Selection, o *object) bool {
	if sel.Kind != o.kind() || sel.Namespace != "" && sel.Namespace != o.ns() || sel.Name != "" && sel.Name != o.name() {
		return false
	}
	if sel.APIVersion != "" && group(sel.APIVersion) != group(o.u().GetAPIVersion()) {
		return false
	}
	if sel.Labels == "" {
		return true
	}
	s, err := labels.Parse(sel.Labels)
	return err == nil && s.Matches(labels.Set(o.u().GetLabels()))
}

func group(apiVersion string) string {
	g, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return g
}

// child returns the map at a path, making it.
func child(m map[string]any, path ...string) map[string]any {
	for _, key := range path {
		next, ok := m[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[key] = next
		}
		m = next
	}
	return m
}

func resource(ref cutover.Ref) schema.GroupResource {
	return schema.GroupResource{Group: group(ref.APIVersion), Resource: strings.ToLower(ref.Kind) + "s"}
}

func notFound(ref cutover.Ref) error { return apierrors.NewNotFound(resource(ref), ref.Name) }

func conflict(ref cutover.Ref, why string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusConflict, Reason: metav1.StatusReasonConflict,
		Message: "Operation cannot be fulfilled on " + resource(ref).String() + " \"" + ref.Name + "\": " + why,
	}}
}

func invalid(ref cutover.Ref, why string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid,
		Message: ref.Kind + " \"" + ref.Name + "\" is invalid: " + why,
	}}
}
