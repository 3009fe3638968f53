package cutover

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// newUnit turns a component into a unit without steps.
func newUnit(c component, cl catalog.Cluster, f *facts) Unit {
	u := Unit{Cluster: c.cluster, Region: cl.Region, Namespace: c.namespace, Requires: requires()}
	for _, n := range c.needs {
		u.addAccount(n, f)
		u.addWorkloads(n, f)
		u.addBindings(n, f)
	}
	slices.SortFunc(u.Accounts, func(a, b Account) int { return compareRefs(a.Ref, b.Ref) })
	slices.SortFunc(u.Workloads, func(a, b Workload) int { return compareRefs(a.Ref, b.Ref) })
	slices.SortFunc(u.Bindings, compareRefs)
	slices.SortFunc(u.Identities, compareRefs)
	u.Bindings = slices.Compact(u.Bindings)
	u.Identities = slices.Compact(u.Identities)
	names := make([]string, 0, len(u.Accounts))
	for _, a := range u.Accounts {
		names = append(names, a.Ref.Name)
	}
	u.Twin = u.Namespace + "/" + strings.Join(names, ",")
	u.ID = u.Cluster + "/" + u.Namespace + "/" + names[0]
	return u
}

func (u *Unit) addAccount(n catalog.Need, f *facts) {
	for _, a := range u.Accounts {
		if a.Ref.Name == n.ServiceAccount && a.Identity.Key() == n.Identity.Key() {
			return
		}
	}
	u.Accounts = append(u.Accounts, Account{
		Ref: Ref{
			APIVersion: "v1", Kind: "ServiceAccount", Namespace: n.Namespace, Name: n.ServiceAccount,
			UID: f.uid(n.Cluster, n.Namespace, "ServiceAccount", n.ServiceAccount),
		},
		Identity: n.Identity,
		Source:   f.source[factKey{n.Cluster, n.Namespace, "ServiceAccount", n.ServiceAccount}],
	})
}

func (u *Unit) addWorkloads(n catalog.Need, f *facts) {
	for _, w := range n.Workloads {
		if slices.ContainsFunc(u.Workloads, func(x Workload) bool {
			return x.APIVersion == w.APIVersion && x.Kind == w.Kind && x.Name == w.Name
		}) {
			continue
		}
		u.Workloads = append(u.Workloads, newWorkload(n, w, f))
	}
}

func newWorkload(n catalog.Need, w catalog.WorkloadRef, f *facts) Workload {
	out := Workload{
		Ref: Ref{
			APIVersion: w.APIVersion, Kind: w.Kind, Namespace: n.Namespace, Name: w.Name,
			UID: f.uid(n.Cluster, n.Namespace, w.Kind, w.Name),
		},
		ServiceAccount: n.ServiceAccount, Selector: n.Selector, Template: templatePath(w.APIVersion, w.Kind),
		Owner: f.owner(n.Cluster, n.Namespace, w.Kind, w.Name),
	}
	k := factKey{n.Cluster, n.Namespace, w.Kind, w.Name}
	if s, ok := f.workloads[k]; ok {
		if out.Template == nil {
			out.Template, out.Manual = foundTemplate(s)
		}
		// A workload of the unit may carry another value of the old label than the need that brought it in, or none any more.
		out.Selector = s.Template.Labels[podidentity.Label]
		out.lend(s)
		if has, ok := f.workloads[factKey{n.Cluster, n.Namespace, out.Kind, out.Name}]; ok && s.Ref != nil {
			out.Selector = has.Template.Labels[podidentity.Label] // the borrower has no template to carry it
		}
	}
	out.Source = f.source[factKey{n.Cluster, n.Namespace, out.Kind, out.Name}]
	if b, ok := f.borrowed[k]; ok {
		out.Borrower = &Ref{APIVersion: b.APIVersion, Kind: b.Kind, Namespace: b.Namespace, Name: b.Name, UID: b.UID}
	}
	return out
}

// lend makes an Argo Rollout that borrows its template the borrower, and the object that has the template the workload to change.
func (w *Workload) lend(s catalog.Workload) {
	if s.Ref == nil {
		return
	}
	borrower := w.Ref
	w.Borrower = &borrower
	w.Ref = Ref{APIVersion: s.Ref.APIVersion, Kind: s.Ref.Kind, Namespace: w.Namespace, Name: s.Ref.Name, UID: s.Ref.UID}
	w.Template = templatePath(s.Ref.APIVersion, s.Ref.Kind)
}

func (u *Unit) addBindings(n catalog.Need, f *facts) {
	for _, b := range n.Bindings {
		ns, name := n.Namespace, b
		if other, local, ok := strings.Cut(b, "/"); ok {
			ns, name = other, local
		}
		if ns != n.Namespace {
			continue // another namespace's object; the finding about it blocks the unit
		}
		u.Bindings = append(u.Bindings, oldRef(podidentity.KindBinding, ns, name, n.Cluster, f))
		identity := n.Identity.Name
		if known := f.identityOf[factKey{n.Cluster, ns, podidentity.KindBinding, name}]; known != "" {
			identity = known
		}
		if identity != "" {
			u.Identities = append(u.Identities, oldRef(podidentity.KindIdentity, ns, identity, n.Cluster, f))
		}
	}
}

func oldRef(kind, namespace, name, cluster string, f *facts) Ref {
	return Ref{
		APIVersion: podidentity.GroupVersion, Kind: kind, Namespace: namespace, Name: name, UID: f.uid(cluster, namespace, kind, name),
	}
}

func compareRefs(a, b Ref) int {
	return cmp.Or(cmp.Compare(a.APIVersion, b.APIVersion), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.UID, b.UID))
}

// requires lists the preflight checks that every unit must pass.
func requires() []string {
	return []string{
		"PF01", "PF02", "PF03", "PF04", "PF05", "PF06", "PF07", "PF08", "PF09", "PF10", "PF11", "PF12", "PF13", "PF14", "PF15", "PF16", "PF17",
	}
}
