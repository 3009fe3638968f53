package cutover

import (
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// planSteps writes the steps of a unit: the table of states, as data.
func planSteps(u *Unit, cl catalog.Cluster, f *facts, o PlanOptions) []Step {
	steps := []Step{{ID: "preflight", Kind: StepPreflight}, {ID: "trust", Kind: StepTrust}}
	suspend, resume := suspendEdits(u)
	if len(suspend) > 0 {
		steps = append(steps, Step{ID: "suspend", Kind: StepSuspend, Edits: suspend})
	}
	steps = append(steps, Step{ID: "annotate", Kind: StepAnnotate, Edits: annotateEdits(u, cl)})
	switch {
	case !u.moves():
	case u.Strategy.SingleRollout:
		steps = append(steps, singleRollout(u, o.Limits.CanaryPods)...)
	default:
		steps = append(steps, twoRollouts(u, f, o.Limits.CanaryPods)...)
	}
	if u.moves() {
		steps = append(steps, Step{ID: "loadAgain", Kind: StepLoadAgain})
	}
	steps = append(steps, Step{ID: "soak", Kind: StepSoak, Wait: WaitSoak})
	if len(resume) > 0 {
		steps = append(steps, Step{ID: "resume", Kind: StepResume, Edits: resume})
	}
	return append(steps, finishSteps(u, f, o)...)
}

// moves reports whether anything of a unit changes its template. Of Jobs and bare pods nothing does: they end on the old path, nothing of them
// can be under load, and the soak waits until NMI has been silent.
func (u *Unit) moves() bool {
	return slices.ContainsFunc(u.Workloads, func(w Workload) bool { return !leftToFinish(w.Kind) })
}

// twoRollouts adds the new path to every workload, proves it under load, and only then takes the old one away.
func twoRollouts(u *Unit, f *facts, canary int) []Step {
	var steps []Step
	for _, w := range u.Workloads {
		if !leftToFinish(w.Kind) {
			steps = append(steps, labelSteps(u, w, f)...)
		}
	}
	steps = append(steps, Step{ID: "load", Kind: StepLoad})
	for _, w := range u.Workloads {
		if !leftToFinish(w.Kind) {
			steps = append(steps, unbindSteps(u, w, canary)...)
		}
	}
	return steps
}

func annotateEdits(u *Unit, cl catalog.Cluster) []Edit {
	var out []Edit
	for _, a := range u.Accounts {
		fields := []Field{{Path: annotation(workloadid.ClientIDAnnotation), After: a.Identity.ClientID}}
		if foreignTenant(cl.Issuer, a.Identity.TenantID) {
			fields = append(fields, Field{Path: annotation(workloadid.TenantIDAnnotation), After: a.Identity.TenantID})
		}
		out = append(out, Edit{
			ID: "annotate/" + a.Ref.Name, Verb: Apply, Ref: a.Ref, Fields: fields,
			Git: u.Mode == GitOnly, Publish: u.Mode == GitOps || u.Mode == Suspend,
		})
	}
	return out
}

// foreignTenant reports whether an identity's tenant must be spelled out, because it is not the one that the cluster's issuer names
// (https://REGION.oic.prod-aks.azure.com/TENANT/GUID/, https://learn.microsoft.com/azure/aks/use-oidc-issuer).
func foreignTenant(issuer, tenant string) bool {
	return tenant != "" && !strings.Contains(strings.ToLower(issuer), "/"+strings.ToLower(tenant)+"/")
}

func labelSteps(u *Unit, w Workload, f *facts) []Step {
	ref := w.Ref
	edit := Edit{
		ID: "label/" + w.String(), Verb: Apply, Ref: w.Ref, Git: u.Mode == GitOnly || w.Manual, Manual: w.Manual,
		Publish: !w.Manual && (u.Mode == GitOps || u.Mode == Suspend),
		Fields:  []Field{{Path: templateLabel(w, workloadid.UseLabel), After: workloadid.UseValue}},
	}
	if u.Strategy.Sidecar {
		edit.Fields = append(edit.Fields, sidecarFields(u, w, f)...)
	}
	return []Step{
		{ID: "label/" + w.String(), Kind: StepLabel, Workload: &ref, Edits: []Edit{edit}, Wait: WaitRollout},
		{ID: "dualPath/" + w.String(), Kind: StepDualPath, Workload: &ref},
	}
}

func unbindSteps(u *Unit, w Workload, canary int) []Step {
	ref := w.Ref
	name := w.String()
	edit := Edit{
		ID: "unbind/" + name, Verb: Patch, Ref: w.Ref, Git: u.Mode == GitOps || u.Mode == GitOnly || w.Manual, Manual: w.Manual,
		Publish: !w.Manual && u.Mode == Suspend,
		Fields:  []Field{{Path: templateLabel(w, podidentity.Label), Before: nilIfEmpty(w.Selector)}},
	}
	// The object's own strategy may be another by then: the steps are there for any that has a canary.
	held, _ := canaryOf(circumstances{kind: w.Kind, pods: unknownPods, mode: u.Mode, borrower: w.Borrower}, canary)
	evicted, _ := canaryOf(circumstances{kind: w.Kind, strategy: onDeleteStrategy, pods: unknownPods, mode: u.Mode, borrower: w.Borrower}, canary)
	if held > 0 {
		edit.Hold = canary
	}
	steps := []Step{{ID: "unbind/" + name, Kind: StepUnbind, Workload: &ref, Edits: []Edit{edit}}}
	switch {
	case held > 0:
		steps = append(steps, canarySteps(w, edit.ID)...)
	case evicted > 0: // nothing to release
		steps = append(steps, canarySteps(w, edit.ID)[0])
	}
	return append(steps, Step{ID: "unbound/" + name, Kind: StepUnbound, Workload: &ref, Wait: WaitRollout})
}

// canarySteps judge the pods at which an edit is held, and end the hold.
func canarySteps(w Workload, edit string) []Step {
	ref, name := w.Ref, w.String()
	release := Edit{ID: "release/" + name, Verb: Patch, Ref: w.Ref, Release: edit}
	return []Step{
		{ID: "canary/" + name, Kind: StepCanary, Workload: &ref, Wait: WaitCanary},
		{ID: "release/" + name, Kind: StepRelease, Workload: &ref, Edits: []Edit{release}},
	}
}

// finishSteps waits for the Jobs left on the old path, then deletes bindings before the identities that they name.
func finishSteps(u *Unit, f *facts, o PlanOptions) []Step {
	drop := Step{ID: "finish", Kind: StepFinish, Wait: WaitUnassigned}
	if !o.KeepBindings {
		for _, r := range append(append([]Ref{}, u.Bindings...), u.Identities...) {
			if f.fromElsewhere[factKey{u.Cluster, r.Namespace, r.Kind, r.Name}] {
				u.Risks = append(u.Risks, r.String()+" serves another namespace too and is kept")
				continue
			}
			addOn := f.byAddOn(u.Cluster, r.Namespace, r.Kind, r.Name)
			drop.Edits = append(drop.Edits, Edit{ID: "delete/" + r.String(), Verb: Delete, Ref: r, AddOn: addOn})
		}
	}
	for _, a := range u.Accounts {
		drop.Edits = append(drop.Edits, crumbEdit(a.Ref))
	}
	for _, w := range u.Workloads {
		if !leftToFinish(w.Kind) && w.Template != nil && !w.Manual {
			drop.Edits = append(drop.Edits, crumbEdit(w.Ref))
		}
	}
	return []Step{{ID: "jobs", Kind: StepFinish, Wait: WaitJobs}, drop}
}

// crumbEdit takes the breadcrumbs from an object.
func crumbEdit(r Ref) Edit {
	return Edit{ID: "crumbs/" + r.String(), Verb: Patch, Ref: r, Fields: []Field{
		{Path: annotation(CrumbAnnotation), Live: true}, {Path: annotation(UnbindAnnotation), Live: true},
	}}
}

func annotation(key string) []string { return []string{"metadata", "annotations", key} }

// templateAnnotation returns the path of an annotation of the pod template, likewise.
func templateAnnotation(w Workload, key string) []string {
	if w.Template == nil {
		return nil
	}
	return append(append([]string{}, w.Template...), "metadata", "annotations", key)
}

// templateLabel returns the path of a label of the pod template; nil when nobody knows where the template lies.
func templateLabel(w Workload, key string) []string {
	if w.Template == nil {
		return nil
	}
	return append(append([]string{}, w.Template...), "metadata", "labels", key)
}

func nilIfEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}
