package catalog

import "fmt"

// present is what of an estate bears on whether a binding should be there, under logical names.
type present struct {
	accounts map[LogicalKey]bool // service accounts that exist or that pods name, without binding
	moved    map[LogicalKey]bool // of them those with pods on Workload Identity
	bindings map[LogicalKey]bool // without service account
	// inVain has the service accounts and label values of pods that no binding selects, the value in the place of the binding.
	inVain map[LogicalKey]bool
}

func (e *estate) present(o Options) present {
	p := present{map[LogicalKey]bool{}, map[LogicalKey]bool{}, map[LogicalKey]bool{}, map[LogicalKey]bool{}}
	for k := range e.accounts {
		if k.name != "default" { // which every namespace has
			p.account(e, o, k)
		}
	}
	for _, b := range e.bindings {
		k := o.LogicalKey(e.cluster, LogicalKey{Namespace: b.Namespace, Binding: b.Name})
		p.bindings[LogicalKey{Namespace: k.Namespace, Binding: k.Binding}] = true
	}
	for _, a := range e.apps {
		for _, u := range a.uses {
			k := p.account(e, o, key{a.namespace, u.account})
			if u.moved {
				p.moved[k] = true
			}
			if u.old() && len(u.route.matches) == 0 {
				p.inVain[LogicalKey{k.Namespace, u.label, k.ServiceAccount}] = true
			}
		}
	}
	return p
}

func (p present) account(e *estate, o Options, a key) LogicalKey {
	k := o.LogicalKey(e.cluster, LogicalKey{Namespace: a.namespace, ServiceAccount: a.name})
	k.Binding = ""
	p.accounts[k] = true
	return k
}

// noteMissing reports the clusters that lack a binding which others have. How sure the fleet is decides the severity:
//
//   - warning, where the service account is there and at least half of the clusters with that service account, and two of them, have
//     the binding, or where pods carry its label in vain;
//   - info, where more than half of the fleet has the binding, or where one of two clusters with the service account has it.
//
// A binding that a minority has, such as one made in an incident, makes no finding on the others, and none is missed where the service
// account has moved to Workload Identity.
func (f *fleet) noteMissing(n *notes, k LogicalKey, held []holding, have map[*estate]present) {
	if len(held) == len(f.estates) {
		return
	}
	account := LogicalKey{Namespace: k.Namespace, ServiceAccount: k.ServiceAccount}
	hosts := 0
	for _, e := range f.estates {
		if have[e].accounts[account] {
			hosts++
		}
	}
	first := held[0]
	for _, e := range f.estates {
		p := have[e]
		if p.bindings[LogicalKey{Namespace: k.Namespace, Binding: k.Binding}] || p.moved[account] || !e.unread.knows(readBindings, first.binding.Namespace) {
			continue
		}
		inVain := p.inVain[LogicalKey{k.Namespace, first.binding.Selector, k.ServiceAccount}]
		severity := missingSeverity(len(held), hosts, len(f.estates), p.accounts[account], inVain)
		if severity == "" {
			continue
		}
		n.add(Finding{Code: BindingMissing, Severity: severity, Cluster: e.cluster.Name, Namespace: k.Namespace, Object: "AzureIdentityBinding/" + k.Binding,
			Message: fmt.Sprintf("%d of %d clusters have it, such as %s, and this one has not", len(held), len(f.estates), first.e.cluster.Name),
			Remedy:  "intended? If the workload can fail over to this cluster, mirror the binding or federate the service account here too"})
	}
}

func missingSeverity(have, hosts, all int, hosted, inVain bool) Severity {
	switch {
	case hosted && (inVain || have >= 2 && have*2 >= hosts):
		return Warning
	case hosted && have*2 >= hosts, have*2 > all && all > 2:
		return Info
	}
	return ""
}
