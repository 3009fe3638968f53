package catalog

import "fmt"

// noteAddOn compares the AKS add-on's profile with what is in the cluster. ARM is the desired state: objects made by hand may vanish
// with its next write (https://github.com/Azure/AKS/issues/2199).
func (e *estate) noteAddOn(r *reporter, f *fleet) {
	a := e.snap.AddOn
	if a == nil || !a.Enabled {
		return
	}
	wanted := map[addOnKey]bool{}
	for i := range a.Identities {
		in := &a.Identities[i]
		k := addOnKey{in.Namespace, in.selector(), fold(in.ResourceID)}
		wanted[k] = true
		e.noteEntry(r, f, in, k)
	}
	for _, b := range e.bindings {
		id := e.identity[key{b.Namespace, b.AzureIdentity}]
		if id == nil || wanted[addOnKey{b.Namespace, b.Selector, fold(f.identityOf(id).ResourceID)}] {
			continue
		}
		r.add(Finding{Code: AddOnMismatch, Namespace: b.Namespace, Object: "AzureIdentityBinding/" + b.Name,
			Message: "made by hand: the add-on's profile has no such entry and may remove it with its next write",
			Remedy: fmt.Sprintf("add it with az aks pod-identity add --namespace %s --name %s --binding-selector %s, or migrate it first",
				b.Namespace, id.Name, clip(b.Selector))})
	}
	e.noteAddOnExceptions(r, a)
}

type addOnKey struct{ namespace, selector, resourceID string }

// noteEntry reports an entry that Azure failed to assign, or that is not in the cluster.
func (e *estate) noteEntry(r *reporter, f *fleet, in *AddOnIdentity, k addOnKey) {
	finding := Finding{Code: AddOnMismatch, Namespace: in.Namespace, Object: "AzureIdentity/" + in.Name}
	if in.ProvisioningState == "Failed" || in.ProvisioningError != "" {
		finding.Severity = Error
		finding.Message = fmt.Sprintf("the add-on could not assign the identity: %q", clip(in.ProvisioningError))
		finding.Remedy = "assign it again through ARM, or migrate the workload first"
		r.add(finding)
		return
	}
	if !e.unread.knows(readIdentities, in.Namespace) || !e.unread.knows(readBindings, in.Namespace) {
		return
	}
	for _, b := range e.bindingsIn[in.Namespace] {
		id := e.identity[key{b.Namespace, b.AzureIdentity}]
		if id != nil && (addOnKey{b.Namespace, b.Selector, fold(f.identityOf(id).ResourceID)}) == k {
			return
		}
	}
	finding.Message = fmt.Sprintf("the add-on's profile has it with selector %q, and the cluster has not", clip(in.selector()))
	finding.Remedy = "managed by the add-on: write the profile again through ARM, or remove the entry there"
	r.add(finding)
}

// addOnException is the one that AKS puts into every cluster. https://learn.microsoft.com/azure/aks/use-azure-ad-pod-identity
const addOnException = "aks-addon-exception"

func (e *estate) noteAddOnExceptions(r *reporter, a *AddOn) {
	if !e.unread.knows(readExceptions, "") {
		return
	}
	for _, x := range a.Exceptions {
		if x.Name == addOnException {
			continue
		}
		found := false
		for _, have := range e.exceptions[x.Namespace] {
			found = found || have.Name == x.Name
		}
		if !found {
			r.add(Finding{Code: AddOnMismatch, Namespace: x.Namespace, Object: "AzurePodIdentityException/" + x.Name,
				Message: "the add-on's profile has the exception, and the cluster has not"})
		}
	}
}
