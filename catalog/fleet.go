package catalog

import (
	"cmp"
	"slices"
	"strings"
)

// fleet is all estates, sorted by cluster, and what they know together about identities.
type fleet struct {
	estates []*estate
	// byClient has the identity behind each client ID that some cluster's AzureIdentities tell, by folded client ID.
	byClient map[string]Identity
	// azure is all that ARM told; existing is the part of it that was read as identities that exist.
	azure, existing azureIndex
}

func newFleet(snaps []*Snapshot) *fleet {
	f := &fleet{byClient: map[string]Identity{}}
	for _, s := range snaps {
		f.estates = append(f.estates, newEstate(s))
	}
	slices.SortFunc(f.estates, func(a, b *estate) int { return strings.Compare(a.cluster.Name, b.cluster.Name) })
	f.readAzure()
	for _, e := range f.estates {
		for _, ai := range e.identities {
			if c := fold(ai.ClientID); c != "" {
				id := asIdentity(ai)
				if old, ok := f.byClient[c]; !ok || old.ResourceID == "" && id.ResourceID != "" {
					f.byClient[c] = id
				}
			}
		}
	}
	return f
}

// readAzure indexes ARM's word: the identities that exist, and beside them what the add-on's entries say.
func (f *fleet) readAzure() {
	var exist, entries []ManagedIdentity
	for _, e := range f.estates {
		exist = append(exist, e.snap.ManagedIdentities...)
		if a := e.snap.AddOn; a != nil {
			for _, id := range a.Identities {
				entries = append(entries, ManagedIdentity{ResourceID: id.ResourceID, ClientID: id.ClientID})
			}
		}
	}
	f.existing, f.azure = newAzureIndex(), newAzureIndex()
	f.existing.add(exist)
	f.azure.add(exist)
	f.azure.add(entries)
}

// azureIndex finds identities by resource ID and by client ID, folded.
type azureIndex struct{ byResource, byClient map[string]ManagedIdentity }

func newAzureIndex() azureIndex {
	return azureIndex{map[string]ManagedIdentity{}, map[string]ManagedIdentity{}}
}

// add keeps the first of each, in an order that does not depend on the input's: one with a location before one without.
func (x azureIndex) add(list []ManagedIdentity) {
	list = slices.SortedFunc(slices.Values(list), func(a, b ManagedIdentity) int {
		return cmp.Or(-strings.Compare(a.Location, b.Location), strings.Compare(a.ResourceID, b.ResourceID),
			strings.Compare(a.ClientID, b.ClientID), -strings.Compare(a.TenantID, b.TenantID))
	})
	for _, m := range list {
		if _, ok := x.byResource[fold(m.ResourceID)]; !ok && m.ResourceID != "" {
			x.byResource[fold(m.ResourceID)] = m
		}
		if _, ok := x.byClient[fold(m.ClientID)]; !ok && m.ClientID != "" {
			x.byClient[fold(m.ClientID)] = m
		}
	}
}

// asIdentity reads an AzureIdentity as it is written. Types other than 1 and 2 are read as managed identities; a type that does not
// exist is reported as malformed.
func asIdentity(ai *AzureIdentity) Identity {
	id := Identity{Kind: UserAssigned, Name: ai.Name, ResourceID: text(ai.ResourceID), ClientID: text(ai.ClientID), TenantID: text(ai.TenantID)}
	if isApplication(ai) {
		id.Kind, id.ResourceID = Application, ""
	}
	return id
}

// identityOf reads an AzureIdentity and fills in what it leaves out: the resource ID behind a client ID, or the client ID of a
// resource, as the cluster, then the fleet, then ARM know them.
func (f *fleet) identityOf(ai *AzureIdentity) Identity {
	id := asIdentity(ai)
	if id.Kind == Application {
		return id
	}
	if id.ResourceID == "" && id.ClientID != "" {
		id.ResourceID = cmp.Or(f.byClient[fold(id.ClientID)].ResourceID, text(f.azure.byClient[fold(id.ClientID)].ResourceID))
	}
	if id.ClientID == "" && id.ResourceID != "" {
		id.ClientID = text(f.azure.byResource[fold(id.ResourceID)].ClientID)
	}
	return id
}

// identityBehind finds the identity that a client ID means in a cluster: by the AzureIdentities of the namespace, of the cluster, of
// the fleet, then by ARM. Where nobody knows, the client ID is all there is to say, and a managed identity is assumed.
func (f *fleet) identityBehind(e *estate, namespace, clientID, tenantID string) Identity {
	c := fold(clientID)
	var id Identity
	same := e.byClient[c]
	if i := slices.IndexFunc(same, func(ai *AzureIdentity) bool { return ai.Namespace == namespace }); i >= 0 {
		id = f.identityOf(same[i])
	} else if len(same) > 0 {
		id = f.identityOf(same[0])
	} else if known, ok := f.byClient[c]; ok {
		id = known
	} else if m, ok := f.azure.byClient[c]; ok {
		id = Identity{Kind: UserAssigned, Name: lastSegment(m.ResourceID), ResourceID: text(m.ResourceID), ClientID: text(m.ClientID), TenantID: text(m.TenantID)}
	} else {
		id = Identity{Kind: UserAssigned, ClientID: text(clientID)}
	}
	if tenantID != "" {
		id.TenantID = text(tenantID)
	}
	return id
}

func isApplication(ai *AzureIdentity) bool { return ai.Type == 1 || ai.Type == 2 }

// fold is the letter case in which Azure's IDs are compared, as Identity.Key does.
func fold(s string) string { return strings.ToLower(s) }

func lastSegment(resourceID string) string {
	return text(resourceID[strings.LastIndex(resourceID, "/")+1:])
}
