package cutover

import (
	"context"
	"net/http"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

// kinds maps kinds to resources: the built-in ones from a table, others by asking the API server once.
type kinds struct {
	discovery discovery.DiscoveryInterface

	mu    sync.Mutex
	known map[schema.GroupVersionKind]schema.GroupVersionResource
}

func newKinds(cfg *rest.Config) (*kinds, error) {
	d, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return nil, err
	}
	k := &kinds{discovery: d, known: map[schema.GroupVersionKind]schema.GroupVersionResource{}}
	for _, r := range builtIn {
		gv := schema.GroupVersion{Group: r.group, Version: r.version}
		k.known[gv.WithKind(r.kind)] = gv.WithResource(r.resource)
	}
	return k, nil
}

var builtIn = [...]struct{ group, version, kind, resource string }{
	{"", "v1", "Pod", "pods"}, {"", "v1", "ServiceAccount", "serviceaccounts"}, {"", "v1", "Namespace", "namespaces"},
	{"", "v1", "Node", "nodes"}, {"", "v1", "ConfigMap", "configmaps"}, {"", "v1", "Event", "events"},
	{"apps", "v1", "Deployment", "deployments"}, {"apps", "v1", "StatefulSet", "statefulsets"}, {"apps", "v1", "DaemonSet", "daemonsets"},
	{"apps", "v1", "ReplicaSet", "replicasets"}, {"apps", "v1", "ControllerRevision", "controllerrevisions"},
	{"batch", "v1", "Job", "jobs"}, {"batch", "v1", "CronJob", "cronjobs"},
	{"autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"}, {"coordination.k8s.io", "v1", "Lease", "leases"},
	{"policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"},
	{"admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations"},
	{"authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews"},
}

// resource returns the resource of a kind; a kind that the cluster does not have is a 404.
func (k *kinds) resource(ctx context.Context, apiVersion, kind string) (schema.GroupVersionResource, error) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return schema.GroupVersionResource{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if gvr, ok := k.known[gv.WithKind(kind)]; ok {
		return gvr, nil
	}
	if err := ctx.Err(); err != nil {
		return schema.GroupVersionResource{}, err
	}
	list, err := k.discovery.ServerResourcesForGroupVersion(apiVersion)
	if err != nil {
		return schema.GroupVersionResource{}, err
	}
	for _, r := range list.APIResources {
		gvk := gv.WithKind(r.Kind)
		if _, seen := k.known[gvk]; !seen && !isSubresource(r.Name) {
			k.known[gvk] = gv.WithResource(r.Name)
		}
	}
	if gvr, ok := k.known[gv.WithKind(kind)]; ok {
		return gvr, nil
	}
	gr := schema.GroupResource{Group: gv.Group, Resource: kind}
	return schema.GroupVersionResource{}, apierrors.NewGenericServerResponse(http.StatusNotFound, "get", gr, "", "the server has no such kind", 0, false)
}

func isSubresource(name string) bool {
	for _, r := range name {
		if r == '/' {
			return true
		}
	}
	return false
}
