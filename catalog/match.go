package catalog

import (
	"maps"
	"slices"
	"strings"
)

// match is a binding that a label value leads to, with its identity; nil for a binding that dangles.
type match struct {
	binding  *AzureIdentityBinding
	identity *AzureIdentity
}

// route is where a label value leads pods of a namespace, worked out once however many pods carry it.
type route struct {
	matches []match
	// identities are the distinct ones in Azure, sorted by key, and keys their keys in one string; names are their AzureIdentities.
	identities []Identity
	keys       string
	names      []string
	// across are the bindings of other namespaces.
	across []*AzureIdentityBinding
	// twins are two AzureIdentities of one name.
	twins []*AzureIdentity
}

// lookup finds what a label value leads to for pods of a namespace. A selector equals the value byte for byte; the identity is looked
// up in the binding's namespace; across namespaces only in standard mode, and only where the identity is not namespaced itself.
// The order is that of MIC: by the binding's namespace and name.
// https://azure.github.io/aad-pod-identity/docs/configure/match_pods_in_namespace/
func (e *estate) lookup(namespace, value string) *route {
	k := key{namespace, value}
	if found := e.matched[k]; found != nil {
		return found
	}
	p := &route{}
	for _, b := range e.bySelector[value] { // which has no empty selector
		id := e.identity[key{b.Namespace, b.AzureIdentity}]
		if b.Namespace != namespace && (!e.acrossNamespaces() || id != nil && id.Namespaced) {
			continue
		}
		p.matches = append(p.matches, match{binding: b, identity: id})
		e.used[b] = true
		if b.Namespace != namespace {
			p.across = append(p.across, b)
		}
	}
	p.resolve(e.fleet)
	e.matched[k] = p
	return p
}

// resolve works out the identities behind the matches.
func (p *route) resolve(f *fleet) {
	seen, named := map[string]bool{}, map[string]*AzureIdentity{}
	for _, m := range p.matches {
		if m.identity == nil {
			continue
		}
		if other := named[m.identity.Name]; other == nil {
			named[m.identity.Name] = m.identity
		} else if other != m.identity && p.twins == nil {
			p.twins = []*AzureIdentity{other, m.identity}
		}
		id := f.identityOf(m.identity)
		if k := id.Key(); k != "" && !seen[k] {
			seen[k] = true
			p.identities = append(p.identities, id)
			p.names = append(p.names, m.identity.Namespace+"/"+m.identity.Name)
		}
	}
	slices.SortFunc(p.identities, func(a, b Identity) int { return strings.Compare(a.Key(), b.Key()) })
	p.keys = strings.Join(slices.Sorted(maps.Keys(seen)), "\n")
}

// acrossNamespaces reports whether bindings match pods of other namespaces.
func (e *estate) acrossNamespaces() bool {
	return e.cluster.PodIdentityMode == ModeStandard || e.cluster.PodIdentityMode == ModeNone
}

// except finds the exception that covers a pod: one of its namespace.
func (e *estate) except(namespace string, labels map[string]string) *Exception {
	for _, x := range e.exceptions[namespace] {
		if excepted(x.PodLabels, labels) {
			return x
		}
	}
	return nil
}

// addFromAddOn adds what AKS would have made of the add-on's entries, where the cluster's own objects could not be read: an
// AzureIdentity NAME and an AzureIdentityBinding NAME-binding
// (https://learn.microsoft.com/azure/aks/use-azure-ad-pod-identity).
func (e *estate) addFromAddOn() {
	a := e.snap.AddOn
	if a == nil || !a.Enabled {
		return
	}
	var ids []AzureIdentity
	var bindings []AzureIdentityBinding
	for i := range a.Identities {
		in := &a.Identities[i]
		if e.unread.knows(readIdentities, in.Namespace) && e.unread.knows(readBindings, in.Namespace) {
			continue
		}
		m := Meta{Namespace: in.Namespace, Name: in.Name, Origin: a.Origin}
		ids = append(ids, AzureIdentity{Meta: m, ResourceID: in.ResourceID, ClientID: in.ClientID})
		m.Name += "-binding"
		bindings = append(bindings, AzureIdentityBinding{Meta: m, AzureIdentity: in.Name, Selector: in.selector()})
	}
	if len(ids) == 0 {
		return
	}
	e.identities = merge(e.identities, unique[AzureIdentity](ids, "AzureIdentity", &e.invalid))
	e.bindings = merge(e.bindings, unique[AzureIdentityBinding](bindings, "AzureIdentityBinding", &e.invalid))
}

// merge adds what is not there yet, by namespace and name, and sorts.
func merge[T any, P object[T]](have, more []P) []P {
	seen := map[key]bool{}
	for _, p := range have {
		seen[p.meta().key()] = true
	}
	for _, p := range more {
		if !seen[p.meta().key()] {
			have = append(have, p)
		}
	}
	slices.SortFunc(have, compareFacts[T, P])
	return have
}

// selector returns the entry's selector, which defaults to its name.
func (in *AddOnIdentity) selector() string {
	if in.Selector != "" {
		return in.Selector
	}
	return in.Name
}
