// Package crds installs custom resources in a test cluster: those of AAD Pod Identity, the old world, and others that a test needs.
package crds

import (
	"context"
	_ "embed"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/e2e/objects"
)

//go:embed crds.yaml
var definitions []byte

// Install creates the definitions of AAD Pod Identity and returns when the API server serves them.
func Install(ctx context.Context, c *objects.Client) error {
	objs, err := objects.Parse(definitions)
	if err != nil {
		return err
	}
	return Define(ctx, c, objs...)
}

// Define creates definitions and returns when the API server serves them.
func Define(ctx context.Context, c *objects.Client, objs ...*unstructured.Unstructured) error {
	if err := c.Apply(ctx, objs...); err != nil {
		return fmt.Errorf("crds: %w", err)
	}
	for _, o := range objs {
		r, err := c.Kind(o.GroupVersionKind(), "")
		if err != nil {
			return fmt.Errorf("crds: %w", err)
		}
		err = objects.Await(ctx, o.GetName(), func(ctx context.Context) (bool, error) {
			got, err := r.Get(ctx, o.GetName(), metav1.GetOptions{})
			return err == nil && established(got), err
		})
		if err != nil {
			return fmt.Errorf("crds: %w", err)
		}
	}
	return nil
}

func established(crd *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
	for _, c := range conditions {
		m, _ := c.(map[string]any)
		if m["type"] == "Established" && m["status"] == "True" {
			return true
		}
	}
	return false
}
