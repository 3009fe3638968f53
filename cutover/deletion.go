package cutover

import (
	"context"
	"errors"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// selectors are the values of the old label that lead to the unit's bindings.
func (u *unitRun) selectors() []string {
	var out []string
	for _, w := range u.unit.Workloads {
		if w.Selector != "" && !slices.Contains(out, w.Selector) {
			out = append(out, w.Selector)
		}
	}
	return out
}

// mayDelete looks, at the last moment, whether anything still needs the object: an identity, whether a binding names it; a binding, whether a
// template of another namespace needs it.
func (u *unitRun) mayDelete(ctx context.Context, e *Edit) error {
	switch e.Ref.Kind {
	case podidentity.KindIdentity:
		return u.unnamed(ctx, e.Ref)
	case podidentity.KindBinding:
		return u.neededNowhereElse(ctx, e.Ref)
	}
	return nil
}

func (u *unitRun) unnamed(ctx context.Context, identity Ref) error {
	bindings, err := list(ctx, u.cluster, Selection{APIVersion: identity.APIVersion, Kind: podidentity.KindBinding, Namespace: identity.Namespace})
	if err != nil {
		return err
	}
	for _, b := range bindings {
		if text(b.Object, "spec", "azureIdentity") == identity.Name {
			return held(HoldManual, "%s is still named by AzureIdentityBinding/%s, which the plan does not know; delete that, or plan again",
				identity, b.GetName())
		}
	}
	return nil
}

// neededNowhereElse looks at the pod templates of all other namespaces: in standard mode a binding serves pods of any of them, unless its
// identity is namespaced, and since the plan was made somebody may have made one that needs it, at zero replicas or suspended though it be.
// (The unit's own namespace was looked at before the step, with all pods.)
// https://azure.github.io/aad-pod-identity/docs/configure/match_pods_in_namespace/
func (u *unitRun) neededNowhereElse(ctx context.Context, binding Ref) error {
	if c := u.plan.Cluster(u.unit.Cluster); c == nil || c.Mode != catalog.ModeStandard {
		return nil
	}
	live, err := get(ctx, u.cluster, binding)
	if err != nil || live == nil {
		return err
	}
	identity := Ref{APIVersion: binding.APIVersion, Kind: podidentity.KindIdentity, Namespace: binding.Namespace, Name: text(live.Object, "spec", "azureIdentity")}
	names, err := get(ctx, u.cluster, identity)
	if err != nil || names != nil && names.GetAnnotations()[podidentity.BehaviorAnnotation] == podidentity.BehaviorNamespaced {
		return err
	}
	selector := text(live.Object, "spec", "selector")
	if selector == "" {
		return nil // it never serves anybody
	}
	objs, err := templatesElsewhere(ctx, u.cluster, u.unit.Namespace)
	if err != nil {
		return err
	}
	users, _ := onOldPath(objs, []string{selector})
	if len(users) == 0 {
		return nil
	}
	return held(HoldManual, "%s is kept, for in standard mode it serves other namespaces too, and these need it by now: %s; "+
		"take the label from their templates or give them a binding of another selector, and run again; or plan again to move them",
		binding, strings.Join(users, ", "))
}

// templatesElsewhere reads what makes pods in all namespaces but one; what tells old Knative Revisions only where there are any.
func templatesElsewhere(ctx context.Context, r Reader, but string) ([]*unstructured.Unstructured, error) {
	var objs []*unstructured.Unstructured
	read := func(apiVersion, kind string) error {
		found, err := optional(ctx, r, Selection{APIVersion: apiVersion, Kind: kind})
		objs = append(objs, slices.DeleteFunc(found, func(o *unstructured.Unstructured) bool { return o.GetNamespace() == but })...)
		return err
	}
	for _, k := range templateKinds {
		if err := read(k.apiVersion, k.kind); err != nil {
			return nil, err
		}
	}
	if slices.ContainsFunc(objs, ofRevision) {
		for _, k := range knativeKinds {
			if err := read(k.apiVersion, k.kind); err != nil {
				return nil, err
			}
		}
	}
	return objs, nil
}

// waitUnassigned waits until no AzureAssignedIdentity of the unit's identities is left.
func (u *unitRun) waitUnassigned(ctx context.Context) error {
	var names []string
	for _, r := range u.unit.Identities {
		names = append(names, r.Name)
	}
	sels := []Selection{{APIVersion: podidentity.GroupVersion, Kind: podidentity.KindAssigned}}
	if c := u.plan.Cluster(u.unit.Cluster); c == nil || c.Mode == catalog.ModeManaged || c.Mode == catalog.ModeNone ||
		u.act("delete/"+firstOr(u.unit.Bindings)) == nil {
		return nil // managed mode has none; and without a deletion there is nothing to wait for
	}
	err := watch(ctx, u.cluster, sels, minRollout, func(objs []*unstructured.Unstructured) (bool, error) {
		return !slices.ContainsFunc(objs, func(o *unstructured.Unstructured) bool {
			return text(o.Object, "spec", "podNamespace") == u.unit.Namespace &&
				slices.Contains(names, text(o.Object, "spec", "azureIdentityRef", "metadata", "name"))
		}), nil
	})
	switch {
	case errors.Is(err, errWaited):
		return held(HoldEvidence, "AzureAssignedIdentities of the unit are left: MIC is slow or stuck; do not strip their finalizer while it runs")
	case apierrors.IsNotFound(err):
		return nil // the custom resource itself is gone
	}
	return err
}

func firstOr(refs []Ref) string {
	if len(refs) == 0 {
		return ""
	}
	return refs[0].String()
}

// beforeObject is what is needed to create a deleted object again.
func beforeObject(live *unstructured.Unstructured) map[string]any {
	o := live.DeepCopy()
	for _, f := range [...]string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"} {
		unstructured.RemoveNestedField(o.Object, "metadata", f)
	}
	unstructured.RemoveNestedField(o.Object, "status")
	return o.Object
}

// lastWriter names who owns the fields of an edit now.
func (u *unitRun) lastWriter(e *Edit, live *unstructured.Unstructured) string {
	for _, f := range e.Fields {
		return strings.Join(owners(live, f.Path), ", ")
	}
	return "nobody known"
}
