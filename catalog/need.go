package catalog

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// draft is a need while it is collected.
type draft struct {
	identity            Identity
	bindings, selectors map[string]bool
	workloads           map[WorkloadRef]bool
	old, moved          bool
}

type drafts map[needKey]*draft

type needKey struct{ namespace, account, identity string }

// needs collects the needs of the estate: what labels lead to through bindings, and what service accounts are annotated with.
// The old path is read first, so that its spelling of an identity stands where both lead to one.
func (e *estate) needs(f *fleet) []Need {
	d := drafts{}
	for _, a := range e.apps {
		for _, u := range a.uses {
			if !u.old() {
				continue
			}
			for _, m := range u.route.matches {
				if m.identity == nil {
					continue
				}
				id := f.identityOf(m.identity)
				if n := d.of(a.namespace, u.account, id); n != nil {
					if compareIdentities(id, n.identity) < 0 {
						n.identity = id
					}
					n.bindings[bindingName(m.binding, a.namespace)] = true
					n.selectors[u.label] = true
					n.use(a, u)
				}
			}
		}
	}
	for _, a := range e.apps {
		for _, u := range a.uses {
			client, tenant := e.movedTo(a, u)
			if client == "" {
				continue
			}
			if n := d.of(a.namespace, u.account, f.identityBehind(e, a.namespace, client, tenant)); n != nil {
				n.use(a, u)
			}
		}
	}
	return d.sorted(e.cluster.Name)
}

// movedTo returns the client and tenant ID that a use takes tokens for on the new path: of the service account's annotations, else
// of the container's own environment; empty when the pod is not labelled for the webhook.
func (e *estate) movedTo(a *app, u *use) (clientID, tenantID string) {
	if !u.moved {
		return "", ""
	}
	if acc := e.accounts[key{a.namespace, u.account}]; acc != nil && acc.Annotations[workloadid.ClientIDAnnotation] != "" {
		return acc.Annotations[workloadid.ClientIDAnnotation], acc.Annotations[workloadid.TenantIDAnnotation]
	}
	for _, v := range sortedEnv(u.tpl.Env) {
		if v.Name == workloadid.EnvClientID && v.Value != "" {
			return v.Value, ""
		}
	}
	return "", ""
}

// of finds or opens a need; nil for an identity that nothing names.
func (d drafts) of(namespace, account string, id Identity) *draft {
	if id.Key() == "" {
		return nil
	}
	k := needKey{namespace, account, id.Key()}
	n := d[k]
	if n == nil {
		n = &draft{identity: id, bindings: map[string]bool{}, selectors: map[string]bool{}, workloads: map[WorkloadRef]bool{}}
		d[k] = n
	}
	return n
}

func (n *draft) use(a *app, u *use) {
	n.workloads[a.ref] = true
	n.old = n.old || u.label != ""
	n.moved = n.moved || u.moved
}

func (n *draft) state() State {
	switch {
	case n.old && n.moved:
		return StateDual
	case n.moved:
		return StateWorkloadIdentity
	}
	return StatePodIdentity
}

func (d drafts) sorted(cluster string) []Need {
	out := make([]Need, 0, len(d))
	for k, n := range d {
		selector := ""
		if len(n.selectors) > 0 {
			selector = slices.Min(slices.Collect(maps.Keys(n.selectors)))
		}
		out = append(out, Need{
			Cluster: cluster, Namespace: k.namespace, ServiceAccount: k.account, Identity: n.identity,
			Bindings: slices.AppendSeq(make([]string, 0, len(n.bindings)), maps.Keys(n.bindings)), Selector: selector,
			Workloads: slices.SortedFunc(maps.Keys(n.workloads), compareRefs), State: n.state(),
		})
		slices.Sort(out[len(out)-1].Bindings)
	}
	slices.SortFunc(out, compareNeeds)
	return out
}

// bindingName names a binding as seen from a namespace.
func bindingName(b *AzureIdentityBinding, from string) string {
	if b.Namespace == from {
		return b.Name
	}
	return b.Namespace + "/" + b.Name
}

func compareNeeds(a, b Need) int {
	return cmp.Or(strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Namespace, b.Namespace),
		strings.Compare(a.ServiceAccount, b.ServiceAccount), strings.Compare(a.Identity.Key(), b.Identity.Key()))
}

func compareIdentities(a, b Identity) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ResourceID, b.ResourceID),
		strings.Compare(a.ClientID, b.ClientID), strings.Compare(a.TenantID, b.TenantID), strings.Compare(string(a.Kind), string(b.Kind)))
}

func compareClusters(a, b Cluster) int { return strings.Compare(a.Name, b.Name) }

func compareGaps(a, b Gap) int {
	return cmp.Or(strings.Compare(a.Resource, b.Resource), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Reason, b.Reason))
}

func sortedEnv(env []Env) []Env {
	return slices.SortedFunc(slices.Values(env), func(a, b Env) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Container, b.Container), strings.Compare(a.Value, b.Value))
	})
}
