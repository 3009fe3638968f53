package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// app is one top owner with every pod template and pod below it that bears on identities.
type app struct {
	namespace string
	ref       WorkloadRef
	// top is the owner itself; nil where the snapshot does not hold it.
	top  *Workload
	uses []*use
	pods map[podKey]bool
}

func (a *app) object() string { return a.ref.String() }

// use is a pod template, or a pod, as identities see it.
type use struct {
	from    *Workload
	tpl     *PodTemplate
	account string
	// label is the value of aadpodidbinding; labelled is true when the key is there at all.
	label    string
	labelled bool
	// webhook is the value of the Workload Identity label; moved is true when it is exactly "true".
	webhook  string
	moved    bool
	excepted *Exception
	route    *route
}

// old reports whether the old label is in effect: it has a value, and no exception covers the pod.
func (u *use) old() bool { return u.label != "" && u.excepted == nil }

// match finds every use of the estate and what it leads to.
func (e *estate) match(f *fleet) {
	e.fleet = f
	borrowed := e.borrowed()
	active := e.activeReplicaSets()
	apps := map[appKey]*app{}
	for _, w := range e.workloads {
		ref, top := e.owners.top(w)
		if superseded(w, top) || borrowed[w] || idleRevision(w, ref, active) {
			continue
		}
		u := e.use(w)
		if u == nil {
			continue
		}
		k := appKey{w.Namespace, ref}
		a := apps[k]
		if a == nil {
			a = &app{namespace: w.Namespace, ref: ref}
			apps[k] = a
			e.apps = append(e.apps, a)
		}
		if top != nil {
			a.top = top
		}
		a.add(u)
	}
	slices.SortFunc(e.apps, func(a, b *app) int {
		return cmp.Or(strings.Compare(a.namespace, b.namespace), compareRefs(a.ref, b.ref))
	})
}

type appKey struct {
	namespace string
	ref       WorkloadRef
}

// add keeps one of each kind of pod, so that ten thousand pods of one template count once, and every template.
func (a *app) add(u *use) {
	if u.from.Kind == "Pod" {
		k := podKey{u.account, u.label, u.webhook, u.labelled, u.tpl.HostNetwork, u.tpl.Windows, u.excepted}
		if a.pods[k] {
			return
		}
		if a.pods == nil {
			a.pods = map[podKey]bool{}
		}
		a.pods[k] = true
	}
	a.uses = append(a.uses, u)
}

// podKey is what makes two pods of an owner the same to the rules.
type podKey struct {
	account, label, webhook        string
	labelled, hostNetwork, windows bool
	excepted                       *Exception
}

// use reads a workload's template, or returns nil when nothing in it bears on identities.
func (e *estate) use(w *Workload) *use {
	tpl := e.template(w)
	if tpl == nil {
		return nil
	}
	u := &use{from: w, tpl: tpl, account: cmp.Or(tpl.ServiceAccount, "default")}
	u.label, u.labelled = tpl.Labels[podidentity.Label]
	u.webhook = tpl.Labels[workloadid.UseLabel]
	u.moved = u.webhook == workloadid.UseValue
	u.excepted = e.except(w.Namespace, tpl.Labels)
	if !u.labelled && u.webhook == "" && u.excepted == nil && e.annotated(w.Namespace, u.account) == "" {
		return nil
	}
	if !validLabelValue(u.label) {
		e.invalid = append(e.invalid, Malformed{Origin: w.Origin, Object: w.Kind + "/" + w.Name, Namespace: w.Namespace,
			Field: "metadata.labels." + podidentity.Label, Reason: "a pod cannot carry this label value, so it can match no binding"})
		u.label, u.labelled = "", false
	}
	if !validName(u.account) {
		e.invalid = append(e.invalid, Malformed{Origin: w.Origin, Object: w.Kind + "/" + w.Name, Namespace: w.Namespace,
			Field: "spec.serviceAccountName", Reason: "not a name that Kubernetes accepts"})
		return nil
	}
	u.route = e.lookup(w.Namespace, u.label)
	return u
}

// annotated returns the client ID that a service account is annotated with; empty for none.
func (e *estate) annotated(namespace, account string) string {
	if a := e.accounts[key{namespace, account}]; a != nil {
		return a.Annotations[workloadid.ClientIDAnnotation]
	}
	return ""
}

// template returns the pod template of a workload, for a Rollout with workloadRef the one it borrows.
func (e *estate) template(w *Workload) *PodTemplate {
	if w.Ref == nil {
		return &w.Template
	}
	if lent := e.owners.find(w.Namespace, *w.Ref); lent != nil {
		return &lent.Template
	}
	return nil
}
