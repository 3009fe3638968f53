package cutover

import (
	"cmp"
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// fresh makes sure, before anything is written, that the world is the one the plan was made for.
func (u *unitRun) fresh(ctx context.Context) error {
	if err := u.sameCluster(ctx); err != nil {
		return err
	}
	for _, ref := range u.unit.refs() {
		if ref.UID == "" {
			continue
		}
		live, err := get(ctx, u.cluster, ref)
		if err != nil {
			return err
		}
		if live == nil && (ref.APIVersion == "v1" || leftToFinish(ref.Kind)) && ref.Kind != "ServiceAccount" {
			continue // what was left to finish may have finished
		}
		// What a lost journal had deleted already is no longer there either: the deletions tell.
		if live == nil && u.deletes(ref) {
			continue
		}
		if live == nil || string(live.GetUID()) != ref.UID {
			return &StaleError{Object: ref.String() + " in " + u.unit.Namespace, Want: ref.UID, Got: uidOf(live)}
		}
		if err := u.freshTemplate(ref, live); err != nil {
			return err
		}
	}
	return nil
}

// sameCluster makes sure that the cluster is the plan's, whatever it is called.
func (u *unitRun) sameCluster(ctx context.Context) error {
	c := u.plan.Cluster(u.unit.Cluster)
	if c == nil || c.UID == "" {
		return nil
	}
	live, err := get(ctx, u.cluster, Ref{APIVersion: "v1", Kind: "Namespace", Name: "kube-system"})
	if err != nil {
		return err
	}
	if live == nil || string(live.GetUID()) != c.UID {
		return &StaleError{Object: "cluster " + c.Name, Want: c.UID, Got: uidOf(live)}
	}
	return nil
}

// freshTemplate compares what the plan rests on in a workload's pod template: whose service account it runs as, and the value of the old
// label. A label that is gone is no reason: the unit may have removed it before its journal was lost, and the edit itself looks.
func (u *unitRun) freshTemplate(ref Ref, live *unstructured.Unstructured) error {
	for _, w := range u.unit.Workloads {
		if !w.Same(ref) || w.Template == nil {
			continue
		}
		if _, there := lookup(live.Object, slices.Concat(w.Template, []string{"spec"})); !there {
			continue
		}
		name := cmp.Or(text(live.Object, slices.Concat(w.Template, []string{"spec", "serviceAccountName"})...), "default")
		if name != w.ServiceAccount {
			return &StaleError{Object: "the service account of " + ref.String() + " in " + u.unit.Namespace, Want: w.ServiceAccount, Got: name}
		}
		label, _ := lookup(live.Object, slices.Concat(w.Template, []string{"metadata", "labels", podidentity.Label}))
		if value, ok := label.(string); ok && value != w.Selector {
			return &StaleError{Object: "label " + podidentity.Label + " of " + ref.String() + " in " + u.unit.Namespace, Want: w.Selector, Got: value}
		}
	}
	return nil
}

func (u *unitRun) deletes(ref Ref) bool {
	for _, s := range u.unit.Steps {
		for _, e := range s.Edits {
			if e.Verb == Delete && e.Ref.Same(ref) {
				return true
			}
		}
	}
	return false
}

func uidOf(live *unstructured.Unstructured) string {
	if live == nil {
		return "not there"
	}
	return string(live.GetUID())
}
