package cutover

import "strings"

// The IDs of edits that suspend and resume begin so, and go on with the owner.
const (
	suspendPrefix = "suspend/"
	resumePrefix  = "resume/"
)

// suspendEdits returns the edits that suspend the GitOps tools of a unit and those that let them go on; none unless it is in mode
// Suspend. Each is one field: Flux's spec.suspend (https://fluxcd.io/flux/components/kustomize/kustomizations/#suspend), Argo CD's
// skip-reconcile annotation (https://argo-cd.readthedocs.io/en/stable/user-guide/skip_reconcile/).
func suspendEdits(u *Unit) (suspend, resume []Edit) {
	if u.Mode != Suspend {
		return nil, nil
	}
	seen := map[string]bool{}
	for _, w := range u.Workloads {
		if w.Owner == "" || seen[w.Owner] {
			continue
		}
		seen[w.Owner] = true
		ref, field, ok := suspension(w.Owner)
		if !ok {
			u.Risks = append(u.Risks, w.String()+": "+w.Owner+" cannot be suspended from here")
			continue
		}
		suspend = append(suspend, Edit{ID: suspendPrefix + w.Owner, Verb: Patch, Ref: ref, Fields: []Field{field}})
		back := Field{Path: field.Path, Before: field.After, After: field.Before}
		resume = append(resume, Edit{ID: resumePrefix + w.Owner, Verb: Patch, Ref: ref, Fields: []Field{back}})
	}
	return suspend, resume
}

func suspension(owner string) (Ref, Field, bool) {
	tool, name, _ := strings.Cut(owner, ":")
	switch tool {
	case "flux":
		ns, name, ok := strings.Cut(name, "/")
		ref := Ref{APIVersion: "kustomize.toolkit.fluxcd.io/v1", Kind: "Kustomization", Namespace: ns, Name: name}
		return ref, Field{Path: []string{"spec", "suspend"}, After: true}, ok
	case "argocd":
		// Argo CD writes app or namespace_app into the tracking ID.
		ns, app, ok := strings.Cut(name, "_")
		if !ok {
			ns, app = "argocd", name
		}
		ref := Ref{APIVersion: "argoproj.io/v1alpha1", Kind: "Application", Namespace: ns, Name: app}
		return ref, Field{Path: annotation("argocd.argoproj.io/skip-reconcile"), After: "true"}, app != ""
	}
	return Ref{}, Field{}, false
}
