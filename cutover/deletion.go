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

// mayDelete looks, at the last moment, whether anything still needs the object: an identity, whether a binding names it.
func (u *unitRun) mayDelete(ctx context.Context, e *Edit) error {
	if e.Ref.Kind != podidentity.KindIdentity {
		return nil
	}
	bindings, err := list(ctx, u.cluster, Selection{APIVersion: e.Ref.APIVersion, Kind: podidentity.KindBinding, Namespace: e.Ref.Namespace})
	if err != nil {
		return err
	}
	for _, b := range bindings {
		if text(b.Object, "spec", "azureIdentity") == e.Ref.Name {
			return held(HoldManual, "%s is still named by AzureIdentityBinding/%s, which the plan does not know; delete that, or plan again",
				e.Ref, b.GetName())
		}
	}
	return nil
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
