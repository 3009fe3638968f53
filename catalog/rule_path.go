package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// notePath reports where a workload's label leads: nowhere, to several identities, across namespaces, or past Pod Identity.
func (e *estate) notePath(r *reporter, a *app) {
	e.noteExcepted(r, a)
	for _, label := range a.labels() {
		found := e.lookup(a.namespace, label)
		if len(found.matches) == 0 {
			e.noteNoBinding(r, a, label)
			continue
		}
		noteSeveral(r, a, label, found)
		e.noteAcross(r, a, label, found)
	}
	if a.emptyLabel() && !slices.ContainsFunc(e.bindingsIn[a.namespace], e.takesEveryPod) {
		r.add(Finding{Code: LabelWithoutBinding, Namespace: a.namespace, Object: a.object(),
			Message: "the label aadpodidbinding is empty, and an empty value matches no binding", Remedy: "give the label a value, or remove it"})
	}
}

func (a *app) emptyLabel() bool {
	return slices.ContainsFunc(a.uses, func(u *use) bool { return u.labelled && u.label == "" && u.excepted == nil })
}

func (e *estate) noteExcepted(r *reporter, a *app) {
	for _, u := range a.uses {
		if u.excepted == nil {
			continue
		}
		r.add(Finding{Code: PodIdentityException, Namespace: a.namespace, Object: a.object(),
			Message: fmt.Sprintf("AzurePodIdentityException %q covers its pods: they talk to IMDS directly; not a need of Pod Identity", u.excepted.Name)})
		return
	}
}

// noteNoBinding is not issued where a binding may have been missed.
func (e *estate) noteNoBinding(r *reporter, a *app, label string) {
	scope := a.namespace
	if e.acrossNamespaces() {
		scope = ""
	}
	if !e.unread.knows(readBindings, scope) {
		return
	}
	finding := Finding{Code: LabelWithoutBinding, Namespace: a.namespace, Object: a.object()}
	if a.moved() {
		finding.Severity = Info // harmless: the old label may stay as long as it likes
		finding.Message = fmt.Sprintf("no binding selects %q; the pods use Workload Identity and the label is a leftover", label)
		finding.Remedy = "remove the label aadpodidbinding"
		r.add(finding)
		return
	}
	finding.Message = fmt.Sprintf("no binding selects %q, so the pods get no identity", label)
	if elsewhere := e.bySelector[label]; len(elsewhere) > 0 {
		b := elsewhere[0]
		finding.Message += fmt.Sprintf("; binding %s/%s does, but matches pods of its own namespace alone", b.Namespace, b.Name)
		finding.Remedy = fmt.Sprintf("create the AzureIdentity and its binding in %s, or go straight to Workload Identity", a.namespace)
	} else if near := e.nearest(a.namespace, label); near != "" {
		finding.Remedy = fmt.Sprintf("a typing error? the nearest selector is %q; correct the label, or remove it", near)
	}
	r.add(finding)
}

// moved reports whether every labelled use of the app is on the new path too.
func (a *app) moved() bool {
	return !slices.ContainsFunc(a.uses, func(u *use) bool { return u.labelled && !u.moved })
}

func noteSeveral(r *reporter, a *app, label string, p *route) {
	if len(p.identities) < 2 {
		return
	}
	r.add(Finding{Code: ManyIdentities, Namespace: a.namespace, Object: a.object(),
		Message: fmt.Sprintf("label %q leads to %d identities: %s; a pod that names none gets one at random", label, len(p.identities), list(p.names)),
		Remedy:  "annotate the service account with the default identity; name the others by client ID in code, and federate each of them"})
}

func (e *estate) noteAcross(r *reporter, a *app, label string, p *route) {
	if len(p.across) == 0 {
		return
	}
	var names []string
	for _, b := range p.across {
		names = append(names, b.Namespace+"/"+b.Name)
		e.guest(b, a.namespace)
	}
	r.add(Finding{Code: CrossNamespaceBinding, Namespace: a.namespace, Object: a.object(),
		Message: fmt.Sprintf("label %q is selected by bindings of other namespaces: %s", label, list(names)),
		Remedy:  fmt.Sprintf("decide who owns the identity; if %s may have it, federate its own service account", a.namespace)})
}

// guest remembers that a binding selects pods of another namespace. Apps come sorted by namespace.
func (e *estate) guest(b *AzureIdentityBinding, namespace string) {
	if g := e.guests[b]; len(g) == 0 || g[len(g)-1] != namespace {
		e.guests[b] = append(g, namespace)
	}
}

// list names the first of many.
func list(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
