package objects

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Put creates an object, or replaces the one of its name. Unlike Apply it has the API server drop unknown fields without a word, as it
// does for `kubectl create` with validation off: this is how mis-cased objects came to be in the field.
func (c *Client) Put(ctx context.Context, o *unstructured.Unstructured) error {
	namespace := o.GetNamespace()
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	r, err := c.Kind(o.GroupVersionKind(), namespace)
	if err != nil {
		return err
	}
	_, err = r.Create(ctx, o, metav1.CreateOptions{FieldManager: Owner})
	if apierrors.IsAlreadyExists(err) {
		have, getErr := r.Get(ctx, o.GetName(), metav1.GetOptions{})
		if getErr != nil {
			return fmt.Errorf("objects: put %s %s/%s: %w", o.GetKind(), namespace, o.GetName(), getErr)
		}
		fresh := o.DeepCopy()
		fresh.SetResourceVersion(have.GetResourceVersion())
		_, err = r.Update(ctx, fresh, metav1.UpdateOptions{FieldManager: Owner})
	}
	if err != nil {
		return fmt.Errorf("objects: put %s %s/%s: %w", o.GetKind(), namespace, o.GetName(), err)
	}
	return nil
}
