package catalog

import (
	"cmp"
	"slices"
)

// sort puts the facts of a snapshot into an order that does not depend on the order of reading.
func (s *Snapshot) sort() {
	sortFacts(s.Identities, func(f *AzureIdentity) *Meta { return &f.Meta })
	sortFacts(s.Bindings, func(f *AzureIdentityBinding) *Meta { return &f.Meta })
	sortFacts(s.Assigned, func(f *AssignedIdentity) *Meta { return &f.Meta })
	sortFacts(s.Exceptions, func(f *Exception) *Meta { return &f.Meta })
	sortFacts(s.Workloads, func(f *Workload) *Meta { return &f.Meta })
	sortFacts(s.ServiceAccounts, func(f *ServiceAccount) *Meta { return &f.Meta })
	sortFacts(s.Namespaces, func(f *Namespace) *Meta { return &f.Meta })
	sortFacts(s.Nodes, func(f *Node) *Meta { return &f.Meta })
	sortFacts(s.SecretProviderClasses, func(f *SecretProviderClass) *Meta { return &f.Meta })
	sortFacts(s.TriggerAuthentications, func(f *TriggerAuthentication) *Meta { return &f.Meta })
	sortFacts(s.Components, func(f *Component) *Meta { return &f.Meta })
	slices.SortStableFunc(s.ManagedIdentities, func(a, b ManagedIdentity) int { return cmp.Compare(a.ResourceID, b.ResourceID) })
	slices.SortStableFunc(s.Malformed, func(a, b Malformed) int {
		return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Field, b.Field))
	})
}

// sortFacts sorts by namespace, kind and name; facts of one object keep their order.
func sortFacts[T any](facts []T, meta func(*T) *Meta) {
	slices.SortStableFunc(facts, func(a, b T) int {
		x, y := meta(&a), meta(&b)
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Origin, y.Origin))
	})
}
