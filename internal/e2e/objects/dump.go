package objects

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

// Dump reads every object of every kind that can be listed, events and leases left out, sorted by kind, namespace and name: what
// `kubectl get` of everything would write. It fails rather than returning less.
func Dump(ctx context.Context, cfg *rest.Config) ([]*unstructured.Unstructured, error) {
	c, err := NewClient(cfg)
	if err != nil {
		return nil, err
	}
	disco, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	lists, err := disco.ServerPreferredResources()
	if err != nil {
		return nil, fmt.Errorf("objects: discovery: %w", err)
	}
	var all []*unstructured.Unstructured
	for _, r := range listable(lists) {
		page, err := c.Interface.Resource(r).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("objects: list %s: %w", r.GroupResource(), err))
		}
		for i := range page.Items {
			all = append(all, &page.Items[i])
		}
	}
	slices.SortFunc(all, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(cmp.Compare(a.GetAPIVersion(), b.GetAPIVersion()), cmp.Compare(a.GetKind(), b.GetKind()),
			cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	})
	return all, nil
}

// listable names the resources to read; events appear under two groups and, like leases, change by themselves.
func listable(lists []*metav1.APIResourceList) []schema.GroupVersionResource {
	var out []schema.GroupVersionResource
	for _, l := range lists {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil {
			continue
		}
		for _, r := range l.APIResources {
			skip := r.Name == "events" || r.Name == "leases" || r.Name == "componentstatuses" || strings.Contains(r.Name, "/")
			if !skip && slices.Contains(r.Verbs, "list") {
				out = append(out, gv.WithResource(r.Name))
			}
		}
	}
	return out
}
