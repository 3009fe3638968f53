package catalog

import (
	"fmt"
	"slices"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// noteConsumers reports what uses Pod Identity on behalf of pods: the Key Vault CSI provider and KEDA.
func (e *estate) noteConsumers(r *reporter) {
	mounted := e.mounts()
	for _, s := range unique[SecretProviderClass](e.snap.SecretProviderClasses, "SecretProviderClass", &e.invalid) {
		if !s.UsePodIdentity {
			continue
		}
		by := "nothing that was read mounts it"
		if users := mounted[s.key()]; len(users) > 0 {
			by = "mounted by " + list(users)
		}
		r.add(Finding{Code: CSIPodIdentity, Namespace: s.Namespace, Object: "SecretProviderClass/" + s.Name,
			Message: "usePodIdentity is true: " + by,
			Remedy:  "set clientID to the identity's client ID and usePodIdentity to \"false\", and federate the service account of the pods that mount it"})
	}
	for i := range e.snap.TriggerAuthentications {
		e.noteTrigger(r, &e.snap.TriggerAuthentications[i])
	}
}

func (e *estate) noteTrigger(r *reporter, t *TriggerAuthentication) {
	if t.Provider != "azure" {
		return
	}
	kind, namespace := t.Kind, t.Namespace
	if kind == "" {
		kind = "TriggerAuthentication"
	}
	if namespace == "" && kind != "ClusterTriggerAuthentication" {
		namespace = "default"
	}
	if !validName(t.Name) {
		e.invalid = append(e.invalid, malformedName(&t.Meta, kind, "metadata.name is not a name that Kubernetes accepts"))
		return
	}
	r.add(Finding{Code: KEDAPodIdentity, Namespace: namespace, Object: kind + "/" + t.Name,
		Message: "spec.podIdentity.provider is azure, which KEDA 2.15 removed",
		Remedy:  "set the provider to azure-workload, and federate the service account of the KEDA operator"})
}

// mounts lists the workloads behind each SecretProviderClass, sorted.
func (e *estate) mounts() map[key][]string {
	out := map[key][]string{}
	for _, w := range e.workloads {
		if len(w.Template.SecretProviderClasses) == 0 {
			continue
		}
		ref, _ := e.owners.top(w)
		for _, name := range w.Template.SecretProviderClasses {
			k := key{w.Namespace, name}
			out[k] = append(out[k], ref.String())
		}
	}
	for k, users := range out {
		slices.Sort(users)
		out[k] = slices.Compact(users)
	}
	return out
}

// noteManaged reports which of the objects that a migration changes belong to Git or Helm.
func (e *estate) noteManaged(r *reporter) {
	note := func(m *Meta, object string) {
		if m.Manager == "" {
			return
		}
		r.add(Finding{Code: GitOpsManaged, Namespace: m.Namespace, Object: object,
			Message: fmt.Sprintf("its text belongs to %q", m.Manager),
			Remedy:  fmt.Sprintf("make the change in the source of %q; what is removed in the cluster comes back", m.Manager)})
	}
	for _, a := range e.apps {
		for _, u := range a.uses {
			if !u.labelled && !u.moved {
				continue
			}
			if acc := e.accounts[key{a.namespace, u.account}]; acc != nil {
				note(&acc.Meta, "ServiceAccount/"+acc.Name)
			}
			if a.top != nil {
				note(&a.top.Meta, a.object())
			}
		}
	}
	for _, b := range e.bindings {
		note(&b.Meta, podidentity.KindBinding+"/"+b.Name)
	}
	for _, id := range e.identities {
		note(&id.Meta, podidentity.KindIdentity+"/"+id.Name)
	}
}
