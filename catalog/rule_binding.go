package catalog

import "fmt"

// noteBindings reports bindings that nobody uses and bindings whose identity is not there.
func (e *estate) noteBindings(r *reporter) {
	for _, b := range e.bindings {
		object := "AzureIdentityBinding/" + b.Name
		id := e.identity[key{b.Namespace, b.AzureIdentity}]
		if id == nil && e.unread.knows(readIdentities, b.Namespace) {
			r.add(Finding{Code: DanglingIdentity, Namespace: b.Namespace, Object: object,
				Message: fmt.Sprintf("AzureIdentity %q is not in namespace %s, so pods labelled %q get no identity%s",
					clip(b.AzureIdentity), b.Namespace, clip(b.Selector), e.elsewhere(b)),
				Remedy: "correct spec.azureIdentity: it is looked up in the binding's own namespace; or delete the binding"})
		}
		if e.takesEveryPod(b) {
			noteEveryPod(r, b)
		} else if e.orphan(b, id) {
			r.add(Finding{Code: OrphanBinding, Namespace: b.Namespace, Object: object, Message: e.unusedBecause(b)})
		}
		if guests := e.guests[b]; len(guests) > 0 {
			r.add(Finding{Code: CrossNamespaceBinding, Severity: Info, Namespace: b.Namespace, Object: object,
				Message: "selects pods of other namespaces: " + list(guests), Remedy: "keep it until they have moved"})
		}
	}
}

// takesEveryPod reports whether a binding has no selector in managed mode, where NMI compares it with the label that a pod does not have,
// and gives the identity to every pod of the namespace without one
// (https://github.com/Azure/aad-pod-identity/blob/master/pkg/crd/crd.go, GetPodIDsWithBinding). MIC, in standard mode, does not.
func (e *estate) takesEveryPod(b *AzureIdentityBinding) bool {
	return b.Selector == "" && e.cluster.PodIdentityMode == ModeManaged
}

// noteEveryPod reports a binding whose users cannot be told, so that it is the need of nobody.
func noteEveryPod(r *reporter, b *AzureIdentityBinding) {
	r.add(Finding{Code: MalformedObject, Namespace: b.Namespace, Object: "AzureIdentityBinding/" + b.Name,
		Message: "spec.selector is empty: in managed mode NMI gives its identity to every pod of the namespace that carries no aadpodidbinding label",
		Remedy:  "find out which of them use it, give the binding a selector, and label their templates"})
}

// orphan reports whether nothing uses a binding, as far as every read that could tell otherwise succeeded.
func (e *estate) orphan(b *AzureIdentityBinding, id *AzureIdentity) bool {
	if e.used[b] {
		return false
	}
	scope := ""
	if !e.acrossNamespaces() || id != nil && id.Namespaced {
		scope = b.Namespace
	}
	return e.unread.knows(readTemplates, scope) && e.unread.knows(readPods, scope)
}

func (e *estate) unusedBecause(b *AzureIdentityBinding) string {
	if b.Selector == "" {
		return "the selector is empty and matches no pod"
	}
	why := fmt.Sprintf("no pod and no pod template carries aadpodidbinding: %q", clip(b.Selector))
	if e.snap.UnknownKindsSkipped {
		why += "; custom resources of unknown kinds were not searched: scan once more with heuristics before you delete it"
	}
	return why
}

// elsewhere helps to find an identity that was meant.
func (e *estate) elsewhere(b *AzureIdentityBinding) string {
	for _, id := range e.identities {
		if id.Name == b.AzureIdentity {
			return fmt.Sprintf("; namespace %s has one of this name", id.Namespace)
		}
	}
	return ""
}
