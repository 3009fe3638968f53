package seed

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wimigrate/wimigrate/internal/e2e/objects"
)

// define makes a definition for a kind that the cluster does not serve: one that accepts any content, since only the shape of a pod
// template inside matters here.
func define(ctx context.Context, c *objects.Client, kind schema.GroupVersionKind) error {
	if _, err := c.Kind(kind, ""); err == nil || kind.Group == "" {
		return err
	}
	plural, singular := meta.UnsafeGuessKindToResource(kind)
	definition := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": plural.Resource + "." + kind.Group},
		"spec": map[string]any{
			"group": kind.Group, "scope": "Namespaced",
			"names": map[string]any{"kind": kind.Kind, "listKind": kind.Kind + "List", "plural": plural.Resource, "singular": singular.Resource},
			"versions": []any{map[string]any{"name": kind.Version, "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}},
		},
	}}
	if strings.HasSuffix(kind.Group, ".k8s.io") {
		definition.SetAnnotations(map[string]string{"api-approved.kubernetes.io": "unapproved"})
	}
	if err := c.Apply(ctx, definition); err != nil {
		return err
	}
	return objects.Await(ctx, kind.Kind+" to be served", func(ctx context.Context) (bool, error) {
		r, err := c.Kind(kind, "default")
		if err != nil {
			return false, err
		}
		_, err = r.List(ctx, metav1.ListOptions{Limit: 1})
		return err == nil, err
	})
}
