package cutover

import (
	"context"
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// endpoints: at least two ready endpoints on two nodes stand behind the webhook.
func endpoints(ctx context.Context, r Reader, service *admissionv1.ServiceReference) Evidence {
	object := "Service/" + service.Name
	found, err := endpointSlices(ctx, r, service)
	if err != nil {
		return unclear(object, "its endpoints cannot be read: "+err.Error())
	}
	ready, nodes := 0, map[string]bool{}
	for _, s := range found {
		for _, e := range readyEndpoints(s) {
			ready++
			nodes[text(e, "nodeName")] = true
		}
	}
	if ready < 2 || len(nodes) < 2 {
		return failing(object, fmt.Sprintf("%d ready endpoints on %d nodes", ready, len(nodes)), "two on two nodes: without the webhook no labelled pod can be born")
	}
	return passed(object, fmt.Sprintf("%d ready endpoints on %d nodes", ready, len(nodes)))
}

func readyEndpoints(slice *unstructured.Unstructured) []map[string]any {
	found, _ := lookup(slice.Object, []string{"endpoints"})
	items, _ := found.([]any)
	var out []map[string]any
	for _, item := range items {
		if e, ok := item.(map[string]any); ok && lookupTrue(e, "conditions", "ready") {
			out = append(out, e)
		}
	}
	return out
}

func endpointSlices(ctx context.Context, r Reader, service *admissionv1.ServiceReference) ([]*unstructured.Unstructured, error) {
	return list(ctx, r, Selection{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice", Namespace: service.Namespace,
		Labels: "kubernetes.io/service-name=" + service.Name})
}

// budget: a PodDisruptionBudget keeps a drained node from taking the last pod behind the webhook. Its lack is a warning.
func budget(ctx context.Context, r Reader, service *admissionv1.ServiceReference) Evidence {
	object := "Service/" + service.Name
	found, err := endpointSlices(ctx, r, service)
	if err != nil {
		return passed(object, "warning: whether a PodDisruptionBudget protects it is unknown: "+err.Error())
	}
	var names []string
	for _, s := range found {
		for _, e := range readyEndpoints(s) {
			names = append(names, text(e, "targetRef", "name"))
		}
	}
	budgets, err := list(ctx, r, Selection{APIVersion: "policy/v1", Kind: "PodDisruptionBudget", Namespace: service.Namespace})
	if err != nil {
		return passed(object, "warning: whether a PodDisruptionBudget protects it is unknown: "+err.Error())
	}
	pods, err := list(ctx, r, Selection{APIVersion: "v1", Kind: "Pod", Namespace: service.Namespace})
	if err != nil {
		return passed(object, "warning: whether a PodDisruptionBudget protects it is unknown: "+err.Error())
	}
	for _, b := range budgets {
		selector, ok := selectorOf(b)
		if ok && slices.ContainsFunc(pods, func(p *unstructured.Unstructured) bool {
			return slices.Contains(names, p.GetName()) && p.GetNamespace() == service.Namespace && selector.Matches(podLabels(p))
		}) {
			return passed(object, "PodDisruptionBudget/"+b.GetName()+" protects it")
		}
	}
	return passed(object, "warning: no PodDisruptionBudget selects its pods, so draining nodes may take all of them at once")
}
