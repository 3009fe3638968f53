package nmi

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

func podEntry(pod *corev1.Pod) entry {
	p := credentialtest.Pod{Namespace: pod.Namespace, Name: pod.Name, IP: pod.Status.PodIP, Labels: maps.Clone(pod.Labels), Phase: string(pod.Status.Phase)}
	same := func(o credentialtest.Pod) bool { return o.Namespace == p.Namespace && o.Name == p.Name }
	node := pod.Spec.NodeName
	if node == "" || pod.Spec.HostNetwork {
		node = "\x00" // on no node yet, or never intercepted: NMI tells pods apart by an address of their own
	}
	return entry{
		node: node,
		put:  func(s *credentialtest.NodeState) { s.Pods = replace(s.Pods, same, p) },
		drop: func(s *credentialtest.NodeState) { s.Pods = replace(s.Pods, same) },
	}
}

func identityEntry(u *unstructured.Unstructured) entry {
	id := Identity(u)
	same := func(o credentialtest.AzureIdentity) bool { return o.Namespace == id.Namespace && o.Name == id.Name }
	return entry{
		put:  func(s *credentialtest.NodeState) { s.Identities = replace(s.Identities, same, id) },
		drop: func(s *credentialtest.NodeState) { s.Identities = replace(s.Identities, same) },
	}
}

func bindingEntry(u *unstructured.Unstructured) entry {
	b := credentialtest.AzureIdentityBinding{Namespace: u.GetNamespace(), Name: u.GetName(),
		AzureIdentity: text(u, "spec", "azureIdentity"), Selector: text(u, "spec", "selector")}
	same := func(o credentialtest.AzureIdentityBinding) bool {
		return o.Namespace == b.Namespace && o.Name == b.Name
	}
	return entry{
		put:  func(s *credentialtest.NodeState) { s.Bindings = replace(s.Bindings, same, b) },
		drop: func(s *credentialtest.NodeState) { s.Bindings = replace(s.Bindings, same) },
	}
}

// assignedEntry reads the identity from the copy inside the object, as NMI does.
func assignedEntry(u *unstructured.Unstructured) entry {
	ref, _, _ := unstructured.NestedMap(u.Object, "spec", "azureIdentityRef")
	a := credentialtest.AzureAssignedIdentity{PodNamespace: text(u, "spec", "podNamespace"), Pod: text(u, "spec", "pod"),
		Identity: Identity(&unstructured.Unstructured{Object: ref}), State: text(u, "status", "status")}
	same := func(o credentialtest.AzureAssignedIdentity) bool {
		return o.PodNamespace == a.PodNamespace && o.Pod == a.Pod && o.Identity.Namespace == a.Identity.Namespace && o.Identity.Name == a.Identity.Name
	}
	return entry{
		node: text(u, "spec", "nodename"),
		put:  func(s *credentialtest.NodeState) { s.Assigned = replace(s.Assigned, same, a) },
		drop: func(s *credentialtest.NodeState) { s.Assigned = replace(s.Assigned, same) },
	}
}

func exceptionEntry(u *unstructured.Unstructured) entry {
	labels, _, _ := unstructured.NestedStringMap(u.Object, "spec", "podLabels")
	e := credentialtest.AzurePodIdentityException{Namespace: u.GetNamespace(), Name: u.GetName(), PodLabels: labels}
	same := func(o credentialtest.AzurePodIdentityException) bool {
		return o.Namespace == e.Namespace && o.Name == e.Name
	}
	return entry{
		put:  func(s *credentialtest.NodeState) { s.Exceptions = replace(s.Exceptions, same, e) },
		drop: func(s *credentialtest.NodeState) { s.Exceptions = replace(s.Exceptions, same) },
	}
}

// Identity reads an AzureIdentity.
func Identity(u *unstructured.Unstructured) credentialtest.AzureIdentity {
	kind, _, _ := unstructured.NestedInt64(u.Object, "spec", "type")
	auxiliary, _, _ := unstructured.NestedStringSlice(u.Object, "spec", "auxiliaryTenantIDs")
	return credentialtest.AzureIdentity{
		Namespace: u.GetNamespace(), Name: u.GetName(), Type: int(kind),
		ResourceID: text(u, "spec", "resourceID"), ClientID: text(u, "spec", "clientID"),
		Namespaced: u.GetAnnotations()[podidentity.BehaviorAnnotation] == podidentity.BehaviorNamespaced,
		TenantID:   text(u, "spec", "tenantID"), AuxiliaryTenantIDs: auxiliary,
		SecretNamespace: text(u, "spec", "clientPassword", "namespace"), SecretName: text(u, "spec", "clientPassword", "name"),
	}
}

func text(u *unstructured.Unstructured, path ...string) string {
	s, _, _ := unstructured.NestedString(u.Object, path...)
	return s
}
