package catalogtest

import (
	"strings"
	"testing/fstest"

	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// Manifests writes a snapshot as kubectl get … -o yaml would: one file for each kind of resource, each a List. It writes what the
// snapshot's builders can build; facts of ARM are no part of a cluster.
func Manifests(s *catalog.Snapshot) fstest.MapFS {
	out := fstest.MapFS{}
	add := func(file string, objects []any) {
		if len(objects) == 0 {
			return
		}
		text, err := yaml.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": objects})
		if err != nil {
			panic("catalogtest: plain maps always marshal: " + err.Error())
		}
		out[file+".yaml"] = &fstest.MapFile{Data: text, Mode: 0o644}
	}
	add("azureidentities", each(s.Identities, identityObject))
	add("azureidentitybindings", each(s.Bindings, bindingObject))
	add("azureassignedidentities", each(s.Assigned, assignedObject))
	add("azurepodidentityexceptions", each(s.Exceptions, exceptionObject))
	add("serviceaccounts", each(s.ServiceAccounts, accountObject))
	add("namespaces", each(s.Namespaces, func(n catalog.Namespace) any { return object(n.Meta, "v1", "Namespace") }))
	add("nodes", each(s.Nodes, nodeObject))
	add("secretproviderclasses", each(s.SecretProviderClasses, classObject))
	add("triggerauthentications", each(s.TriggerAuthentications, triggerObject))
	add("pod-identity", each(s.Components, componentObject))
	byKind := map[string][]any{}
	for _, w := range s.Workloads {
		kind := "workloads/" + strings.ToLower(w.Kind)
		byKind[kind] = append(byKind[kind], workloadObject(w))
	}
	for kind, objects := range byKind {
		add(kind, objects)
	}
	return out
}

func each[T any](in []T, render func(T) any) []any {
	out := make([]any, 0, len(in))
	for _, x := range in {
		out = append(out, render(x))
	}
	return out
}

type fields = map[string]any

// object begins an object with its metadata.
func object(m catalog.Meta, apiVersion, kind string) fields {
	meta := fields{"name": m.Name}
	put := func(key, value string) {
		if value != "" {
			meta[key] = value
		}
	}
	put("namespace", m.Namespace)
	put("uid", m.UID)
	put("resourceVersion", m.ResourceVersion)
	if o := m.Owner; o != nil {
		meta["ownerReferences"] = []any{fields{"apiVersion": o.APIVersion, "kind": o.Kind, "name": o.Name, "uid": o.UID, "controller": true}}
	}
	if app, ok := strings.CutPrefix(m.Manager, "argocd:"); ok {
		meta["annotations"] = fields{"argocd.argoproj.io/tracking-id": app + ":apps/" + kind + ":" + m.Namespace + "/" + m.Name}
	}
	if m.APIVersion != "" {
		apiVersion = m.APIVersion
	}
	return fields{"apiVersion": apiVersion, "kind": kind, "metadata": meta}
}

func annotate(o fields, annotations map[string]string) fields {
	meta := o["metadata"].(fields)
	have, _ := meta["annotations"].(fields)
	if have == nil {
		have = fields{}
	}
	for k, v := range annotations {
		have[k] = v
	}
	if len(have) > 0 {
		meta["annotations"] = have
	}
	return o
}

func identityObject(id catalog.AzureIdentity) any {
	o := object(id.Meta, podidentity.GroupVersion, podidentity.KindIdentity)
	if id.Namespaced {
		annotate(o, map[string]string{podidentity.BehaviorAnnotation: podidentity.BehaviorNamespaced})
	}
	resource, client := "resourceID", "clientID"
	if len(id.MisCased) > 0 {
		resource, client = "ResourceID", "ClientID"
	}
	spec := fields{"type": id.Type, resource: id.ResourceID, client: id.ClientID}
	if id.TenantID != "" {
		spec["tenantID"] = id.TenantID
	}
	o["spec"] = spec
	return o
}

func bindingObject(b catalog.AzureIdentityBinding) any {
	o := object(b.Meta, podidentity.GroupVersion, podidentity.KindBinding)
	identity, selector := "azureIdentity", "selector"
	if len(b.MisCased) > 0 {
		identity, selector = "AzureIdentity", "Selector"
	}
	o["spec"] = fields{identity: b.AzureIdentity, selector: b.Selector}
	return o
}

func exceptionObject(x catalog.Exception) any {
	o := object(x.Meta, podidentity.GroupVersion, podidentity.KindException)
	o["spec"] = fields{"podLabels": x.PodLabels}
	return o
}

func assignedObject(a catalog.AssignedIdentity) any {
	o := object(a.Meta, podidentity.GroupVersion, podidentity.KindAssigned)
	meta := o["metadata"].(fields)
	meta["finalizers"] = []any{podidentity.Finalizer}
	meta["labels"] = fields{podidentity.NodeLabel: a.NodeName}
	if a.CreatedAt != "" {
		meta["creationTimestamp"] = a.CreatedAt
	}
	o["spec"] = fields{"pod": a.Pod, "podNamespace": a.PodNamespace, "nodename": a.NodeName,
		"azureIdentityRef": embedded(a.Identity), "azureBindingRef": embedded(a.Binding)}
	o["status"] = fields{"status": a.Status}
	return o
}

func embedded(nameOf string) any {
	namespace, name, found := strings.Cut(nameOf, "/")
	if !found {
		return nil
	}
	return fields{"metadata": fields{"namespace": namespace, "name": name}}
}

func accountObject(a catalog.ServiceAccount) any {
	return annotate(object(a.Meta, "v1", "ServiceAccount"), a.Annotations)
}

func nodeObject(n catalog.Node) any {
	o := object(n.Meta, "v1", "Node")
	os := "linux"
	if n.Windows {
		os = "windows"
	}
	o["metadata"].(fields)["labels"] = fields{"kubernetes.io/os": os}
	return o
}

func classObject(s catalog.SecretProviderClass) any {
	o := object(s.Meta, "secrets-store.csi.x-k8s.io/v1", "SecretProviderClass")
	use := "false"
	if s.UsePodIdentity {
		use = "true"
	}
	o["spec"] = fields{"provider": "azure", "parameters": fields{"usePodIdentity": use, "clientID": s.ClientID}}
	return o
}

func triggerObject(t catalog.TriggerAuthentication) any {
	o := object(t.Meta, "keda.sh/v1alpha1", "TriggerAuthentication")
	if t.Kind != "" {
		o["kind"] = t.Kind
	}
	o["spec"] = fields{"podIdentity": fields{"provider": t.Provider}}
	return o
}
