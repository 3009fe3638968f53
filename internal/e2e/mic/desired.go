package mic

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// Resources of the old world.
var (
	identities = schema.GroupVersionResource{Group: podidentity.Group, Version: podidentity.Version, Resource: "azureidentities"}
	bindings   = schema.GroupVersionResource{Group: podidentity.Group, Version: podidentity.Version, Resource: "azureidentitybindings"}
	assigned   = schema.GroupVersionResource{Group: podidentity.Group, Version: podidentity.Version, Resource: "azureassignedidentities"}
)

// assignment is one identity that one pod is to have.
type assignment struct {
	namespace         string // of the object
	pod               *corev1.Pod
	identity, binding *unstructured.Unstructured
}

// name is <pod>-<namespace>-<identity>, so two identities of one name collide and the first one wins, as with the real MIC.
func (a assignment) name() string {
	return a.pod.Name + "-" + a.pod.Namespace + "-" + a.identity.GetName()
}

// desired matches pods with bindings: a scheduled, living pod whose label equals the selector byte for byte, in any namespace unless the
// identity is annotated to be namespaced; the identity is looked up in the binding's namespace.
func (c *Controller) desired() (map[string]assignment, error) {
	pods, err := c.cfg.Core.Core().V1().Pods().Lister().List(labels.Everything())
	if err != nil {
		return nil, err
	}
	bySelector, err := c.bound()
	if err != nil {
		return nil, err
	}
	want := map[string]assignment{}
	for _, pod := range pods {
		label := pod.Labels[podidentity.Label]
		over := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed || pod.DeletionTimestamp != nil
		if label == "" || pod.Spec.NodeName == "" || over {
			continue
		}
		for _, a := range bySelector[label] {
			a.pod = pod
			if a.namespaced() && a.identity.GetNamespace() != pod.Namespace {
				continue
			}
			if _, taken := want[a.name()]; !taken {
				want[a.name()] = a
			}
		}
	}
	return want, nil
}

// bound lists bindings with their identities by selector. Objects live in "default" unless the identity is namespaced.
func (c *Controller) bound() (map[string][]assignment, error) {
	objs, err := c.cfg.Custom.ForResource(bindings).Lister().List(labels.Everything())
	if err != nil {
		return nil, err
	}
	slices.SortFunc(objs, func(x, y runtime.Object) int { return cmp.Compare(key(x), key(y)) })
	out := map[string][]assignment{}
	for _, o := range objs {
		b, ok := o.(*unstructured.Unstructured)
		if !ok || text(b, "spec", "selector") == "" {
			continue
		}
		found, err := c.cfg.Custom.ForResource(identities).Lister().ByNamespace(b.GetNamespace()).Get(text(b, "spec", "azureIdentity"))
		id, ok := found.(*unstructured.Unstructured)
		if err != nil || !ok {
			continue // a dangling binding assigns nothing
		}
		a := assignment{namespace: "default", identity: id, binding: b}
		if a.namespaced() {
			a.namespace = id.GetNamespace()
		}
		out[text(b, "spec", "selector")] = append(out[text(b, "spec", "selector")], a)
	}
	return out, nil
}

func (a assignment) namespaced() bool {
	return a.identity.GetAnnotations()[podidentity.BehaviorAnnotation] == podidentity.BehaviorNamespaced
}

// object is the AzureAssignedIdentity in its first state.
func (a assignment) object() *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{
		"spec": map[string]any{
			"azureIdentityRef": reference(a.identity), "azureBindingRef": reference(a.binding),
			"pod": a.pod.Name, "podNamespace": a.pod.Namespace, "nodename": a.pod.Spec.NodeName,
		},
		"status": map[string]any{"status": podidentity.StatusCreated},
	}}
	u.SetAPIVersion(podidentity.GroupVersion)
	u.SetKind(podidentity.KindAssigned)
	u.SetName(a.name())
	u.SetNamespace(a.namespace)
	u.SetLabels(map[string]string{podidentity.NodeLabel: a.pod.Spec.NodeName})
	u.SetFinalizers([]string{podidentity.Finalizer})
	return u
}

// reference is the copy of an object that MIC embeds.
func reference(u *unstructured.Unstructured) map[string]any {
	meta := map[string]any{"name": u.GetName(), "namespace": u.GetNamespace()}
	if a := u.GetAnnotations(); len(a) > 0 {
		m := map[string]any{}
		for k, v := range a {
			m[k] = v
		}
		meta["annotations"] = m
	}
	spec, _, _ := unstructured.NestedMap(u.Object, "spec")
	return map[string]any{"apiVersion": u.GetAPIVersion(), "kind": u.GetKind(), "metadata": meta, "spec": spec}
}

func text(u *unstructured.Unstructured, path ...string) string {
	s, _, _ := unstructured.NestedString(u.Object, path...)
	return s
}

// key is namespace/name, by which MIC orders bindings.
func key(obj runtime.Object) string {
	k, _ := cache.MetaNamespaceKeyFunc(obj)
	return k
}
