package catalog

import (
	"fmt"
	"regexp"
	"slices"
)

// noteIdentities reports what is wrong with AzureIdentities in themselves and against Azure.
func (e *estate) noteIdentities(r *reporter, f *fleet) {
	referred := map[key]bool{}
	for _, b := range e.bindings {
		referred[key{b.Namespace, b.AzureIdentity}] = true
	}
	for _, ai := range e.identities {
		if isApplication(ai) {
			notePrincipal(r, ai, referred[ai.key()])
			continue
		}
		e.noteSpec(r, ai)
		if e.snap.ManagedIdentitiesRead && e.snap.readSubscriptionOf(ai.ResourceID) {
			noteGone(r, f, ai)
		}
	}
	e.noteDuplicates(r, f)
}

func notePrincipal(r *reporter, ai *AzureIdentity, referred bool) {
	finding := Finding{Code: ServicePrincipal, Namespace: ai.Namespace, Object: "AzureIdentity/" + ai.Name,
		Message: fmt.Sprintf("type %d is the service principal of app registration %q, not a managed identity", ai.Type, clip(ai.ClientID))}
	if !referred {
		finding.Severity = Info
		finding.Message += "; no binding uses it"
	}
	r.add(finding)
}

// armIdentity is what MIC requires of a type 0 identity: it skips the others.
// https://github.com/Azure/aad-pod-identity, pkg/mic, isUserAssignedMSI and the format check beside it
var armIdentity = regexp.MustCompile(`(?i)^/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.managedidentity/userassignedidentities/[^/]+$`)

func (e *estate) noteSpec(r *reporter, ai *AzureIdentity) {
	add := func(message, remedy string) {
		r.add(Finding{Code: MalformedObject, Namespace: ai.Namespace, Object: "AzureIdentity/" + ai.Name, Message: message, Remedy: remedy})
	}
	if ai.Type != 0 {
		add(fmt.Sprintf("spec.type is %d; only 0, 1 and 2 exist", ai.Type), "set spec.type to 0 for a managed identity")
	}
	switch {
	case ai.ResourceID == "" && ai.ClientID == "":
		add("spec has neither resourceID nor clientID, so it is no identity", "set both, as Azure shows them")
	case ai.ResourceID == "" && e.cluster.PodIdentityMode != ModeManaged:
		r.add(Finding{Code: MalformedObject, Severity: Warning, Namespace: ai.Namespace, Object: "AzureIdentity/" + ai.Name,
			Message: "spec.resourceID is empty, so MIC skips the identity and its pods get no token today", Remedy: "set it to the identity's ARM resource ID"})
	case ai.ResourceID != "" && !armIdentity.MatchString(ai.ResourceID):
		add(fmt.Sprintf("spec.resourceID %q is not the resource ID of a user-assigned identity, so MIC skips it", clip(ai.ResourceID)),
			"set it to the identity's ARM resource ID")
	}
}

// noteGone compares an AzureIdentity with the identities of Azure.
func noteGone(r *reporter, f *fleet, ai *AzureIdentity) {
	finding := Finding{Code: IdentityGone, Namespace: ai.Namespace, Object: "AzureIdentity/" + ai.Name}
	if ai.ResourceID == "" {
		if ai.ClientID != "" && f.existing.byClient[fold(ai.ClientID)].ResourceID == "" {
			finding.Message = fmt.Sprintf("Azure has no user-assigned identity with client ID %q", clip(ai.ClientID))
			r.add(finding)
		}
		return
	}
	switch m, ok := f.existing.byResource[fold(ai.ResourceID)]; {
	case !ok:
		finding.Message = fmt.Sprintf("Azure has no identity %q", ai.ResourceID)
		r.add(finding)
	case ai.ClientID != "" && m.ClientID != "" && !sameID(ai.ClientID, m.ClientID):
		finding.Message = fmt.Sprintf("the identity was made again: its client ID is %s now, and %q is dead", m.ClientID, clip(ai.ClientID))
		finding.Remedy = "set spec.clientID to " + m.ClientID + ", and give it the role assignments that the old one had"
		r.add(finding)
	}
}

// noteDuplicates names every AzureIdentity of which another one of the cluster is the same in Azure.
func (e *estate) noteDuplicates(r *reporter, f *fleet) {
	same := map[string][]*AzureIdentity{}
	for _, ai := range e.identities {
		if k := f.identityOf(ai).Key(); k != "" {
			same[k] = append(same[k], ai)
		}
	}
	for _, group := range same {
		for _, ai := range group {
			var others []string
			for _, o := range group[:min(len(group), 6)] {
				if o != ai {
					others = append(others, o.Namespace+"/"+o.Name)
				}
			}
			if len(others) > 0 {
				slices.Sort(others)
				r.add(Finding{Code: DuplicateIdentity, Namespace: ai.Namespace, Object: "AzureIdentity/" + ai.Name,
					Message: fmt.Sprintf("the same identity in Azure as %s", list(others))})
			}
		}
	}
}
