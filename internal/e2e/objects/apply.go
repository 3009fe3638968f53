// Package objects applies, reads and dumps Kubernetes objects of any kind, as a person with kubectl would.
package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// Owner is the field manager of what the tests apply: nobody the library may mistake for itself.
const Owner = "e2e"

// Client works on one cluster. It is safe for concurrent use.
type Client struct {
	dynamic.Interface

	mapper *restmapper.DeferredDiscoveryRESTMapper
}

// NewClient returns a client for a cluster.
func NewClient(cfg *rest.Config) (*Client, error) {
	d, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	disco, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	return &Client{Interface: d, mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(disco))}, nil
}

// Kind returns the resource of a kind; for namespaced kinds in the given namespace.
func (c *Client) Kind(kind schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	m, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) { // perhaps a definition that was created after the last look
		c.mapper.Reset()
		m, err = c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	}
	if err != nil {
		return nil, fmt.Errorf("objects: %s: %w", kind.Kind, err)
	}
	r := c.Resource(m.Resource)
	if m.Scope.Name() == meta.RESTScopeNameNamespace {
		return r.Namespace(namespace), nil
	}
	return r, nil
}

// Apply applies objects in order by server-side apply. Objects of a namespaced kind without a namespace go to "default".
func (c *Client) Apply(ctx context.Context, objs ...*unstructured.Unstructured) error {
	for _, o := range objs {
		if err := c.apply(ctx, o); err != nil {
			return fmt.Errorf("objects: apply %s %s/%s: %w", o.GetKind(), o.GetNamespace(), o.GetName(), err)
		}
	}
	return nil
}

func (c *Client) apply(ctx context.Context, o *unstructured.Unstructured) error {
	namespace := o.GetNamespace()
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	r, err := c.Kind(o.GroupVersionKind(), namespace)
	if err != nil {
		return err
	}
	_, err = r.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: Owner, Force: true})
	return err
}

// ApplyYAML applies a stream of YAML or JSON documents.
func (c *Client) ApplyYAML(ctx context.Context, documents []byte) error {
	objs, err := Parse(documents)
	if err != nil {
		return err
	}
	return c.Apply(ctx, objs...)
}

// Parse reads a stream of YAML or JSON documents; the items of a List come one by one.
func Parse(documents []byte) ([]*unstructured.Unstructured, error) {
	var objs []*unstructured.Unstructured
	d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(documents), 4096)
	for {
		o := &unstructured.Unstructured{}
		err := d.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			return objs, nil
		}
		if err != nil {
			return nil, fmt.Errorf("objects: document %d: %w", len(objs)+1, err)
		}
		switch {
		case len(o.Object) == 0:
		case o.IsList():
			list, err := o.ToList()
			if err != nil {
				return nil, fmt.Errorf("objects: document %d: %w", len(objs)+1, err)
			}
			for i := range list.Items {
				objs = append(objs, &list.Items[i])
			}
		default:
			objs = append(objs, o)
		}
	}
}

// Await polls until done says so or the context ends, whose cause it returns joined with the last reason done gave. It asks often at first
// and less often the longer it takes: many waits at once must not be a load of their own.
func Await(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	const first, last = 20 * time.Millisecond, 250 * time.Millisecond
	for wait := first; ; wait = min(wait*5/4, last) {
		ok, err := done(ctx)
		if ok && err == nil {
			return nil
		}
		if pause.For(ctx, wait) != nil {
			return errors.Join(fmt.Errorf("objects: wait for %s: %w", what, context.Cause(ctx)), err)
		}
	}
}
