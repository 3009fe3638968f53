package cutover

import (
	"context"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// checkConsumers: nothing else in the namespace asks for the old path: CSI secrets and KEDA triggers have settings of their own (PF14).
// https://azure.github.io/secrets-store-csi-driver-provider-azure/docs/configurations/identity-access-modes/
func checkConsumers(ctx context.Context, t Target, _ PreflightOptions) []Evidence {
	ns := t.Unit.Namespace
	var out []Evidence
	classes, err := optional(ctx, t.Cluster, Selection{APIVersion: "secrets-store.csi.x-k8s.io/v1", Kind: "SecretProviderClass", Namespace: ns})
	if err != nil {
		out = append(out, unclear("Namespace/"+ns, "its SecretProviderClasses cannot be read: "+err.Error()))
	}
	for _, c := range classes {
		if strings.EqualFold(text(c.Object, "spec", "parameters", "usePodIdentity"), "true") {
			out = append(out, failing("SecretProviderClass/"+c.GetName(), "has usePodIdentity: \"true\"", "usePodIdentity \"false\" and the clientID of the identity"))
		}
	}
	out = append(out, checkTriggers(ctx, t)...)
	return append(out, checkExceptions(ctx, t)...)
}

// checkTriggers: no KEDA trigger of the namespace takes its tokens by the old path, by an authentication of its own or of the cluster.
func checkTriggers(ctx context.Context, t Target) []Evidence {
	ns := t.Unit.Namespace
	var out []Evidence
	triggers, err := optional(ctx, t.Cluster, Selection{APIVersion: kedaVersion, Kind: "TriggerAuthentication", Namespace: ns})
	if err != nil {
		out = append(out, unclear("Namespace/"+ns, "its TriggerAuthentications cannot be read: "+err.Error()))
	}
	ofCluster, err := optional(ctx, t.Cluster, Selection{APIVersion: kedaVersion, Kind: clusterTriggers})
	if err != nil {
		out = append(out, unclear("", "the ClusterTriggerAuthentications cannot be read: "+err.Error()))
	}
	azure := func(c *unstructured.Unstructured) bool {
		return text(c.Object, "spec", "podIdentity", "provider") == "azure"
	}
	for _, c := range triggers {
		if azure(c) {
			out = append(out, failing("TriggerAuthentication/"+c.GetName(), "has podIdentity provider azure", "provider azure-workload"))
		}
	}
	if !slices.ContainsFunc(ofCluster, azure) {
		return out
	}
	var scaled []*unstructured.Unstructured
	for _, kind := range [...]string{"ScaledObject", "ScaledJob"} {
		found, err := optional(ctx, t.Cluster, Selection{APIVersion: kedaVersion, Kind: kind, Namespace: ns})
		if err != nil {
			out = append(out, unclear("Namespace/"+ns, "its "+kind+"s cannot be read: "+err.Error()))
		}
		scaled = append(scaled, found...)
	}
	for _, c := range ofCluster {
		for _, s := range scaled {
			if azure(c) && refersTo(s, c.GetName()) {
				out = append(out, failing(clusterTriggers+"/"+c.GetName(), "has podIdentity provider azure, and "+s.GetKind()+"/"+s.GetName()+" refers to it",
					"provider azure-workload"))
			}
		}
	}
	return out
}

const (
	kedaVersion     = "keda.sh/v1alpha1"
	clusterTriggers = "ClusterTriggerAuthentication"
)

// refersTo reports whether a trigger of a ScaledObject or ScaledJob refers to an authentication of the cluster.
func refersTo(scaled *unstructured.Unstructured, name string) bool {
	found, _ := lookup(scaled.Object, []string{"spec", "triggers"})
	triggers, _ := found.([]any)
	return slices.ContainsFunc(triggers, func(x any) bool {
		ref := asMap(asMap(x)["authenticationRef"])
		return text(ref, "kind") == clusterTriggers && text(ref, "name") == name
	})
}

// checkExceptions: NMI lets the pods of no workload through to the real IMDS, for then its silence proves nothing. One label of an exception is
// enough.
// https://azure.github.io/aad-pod-identity/docs/configure/application_exception/
func checkExceptions(ctx context.Context, t Target) []Evidence {
	ns := t.Unit.Namespace
	exceptions, err := optional(ctx, t.Cluster, Selection{APIVersion: podidentity.GroupVersion, Kind: podidentity.KindException, Namespace: ns})
	if err != nil {
		return []Evidence{unclear("Namespace/"+ns, "its AzurePodIdentityExceptions cannot be read: "+err.Error())}
	}
	if len(exceptions) == 0 {
		return nil
	}
	return each(ctx, t, func(w Workload, live *liveWorkload) []Evidence {
		var out []Evidence
		for _, x := range exceptions {
			found, _ := lookup(x.Object, []string{"spec", "podLabels"})
			for key, value := range asMap(found) {
				if have, ok := live.template.Labels[key]; ok && have == value {
					out = append(out, failing(podidentity.KindException+"/"+x.GetName(), "lets the pods of "+w.String()+" past NMI, which then sees nothing of them",
						"no exception for it"))
					break
				}
			}
		}
		return out
	})
}

// optional lists a custom resource; one that the cluster does not know has no objects.
func optional(ctx context.Context, r Reader, sel Selection) ([]*unstructured.Unstructured, error) {
	found, err := list(ctx, r, sel)
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
		return nil, nil
	}
	return found, err
}
