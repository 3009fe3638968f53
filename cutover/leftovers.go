package cutover

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// Leftovers are what is left of Pod Identity in a cluster, and what still needs it.
type Leftovers struct {
	Cluster string `json:"cluster"`
	// Users still need Pod Identity: pods, pod templates, and settings of other components.
	Users []User `json:"users"`
	// History are old Knative Revisions with the label that get no traffic: they keep nothing in place, but cannot be gone back to.
	History []User `json:"history,omitempty"`
	// Objects are its custom resources, and NMI and MIC.
	Objects []Leftover `json:"objects"`
	// Sidecars are the pod templates that ask for the migration proxy. They need nothing of Pod Identity, and keep nothing in place; but
	// the proxy is temporary, and goes when the application uses its token itself.
	Sidecars []Ref `json:"sidecars,omitempty"`
	// RoleAssignments are those that only Pod Identity needed, such as Managed Identity Operator for the nodes' identity.
	RoleAssignments []string `json:"roleAssignments,omitempty"`
	// Unread is what could not be read, so that nobody knows whether something there needs Pod Identity. It keeps everything in place.
	Unread []string `json:"unread,omitempty"`
	// Unseen is what a cluster cannot tell at all, for a person to look at.
	Unseen []string `json:"unseen,omitempty"`
}

// User is something that needs Pod Identity.
type User struct {
	Object Ref    `json:"object"`
	Why    string `json:"why"`
}

// Leftover is one object of Pod Identity.
type Leftover struct {
	Object          Ref          `json:"object"`
	ResourceVersion string       `json:"resourceVersion"`
	Role            LeftoverRole `json:"role"`
	// Owner is who would put it back: a GitOps tool, "Helm release NAME", or the AKS add-on; empty for nobody known.
	Owner string `json:"owner,omitempty"`
}

// LeftoverRole says what an object is to Pod Identity.
type LeftoverRole string

const (
	// RoleBinding is an AzureIdentityBinding.
	RoleBinding LeftoverRole = "binding"
	// RoleIdentity is an AzureIdentity.
	RoleIdentity LeftoverRole = "identity"
	// RoleException is an AzurePodIdentityException: pods that NMI lets through to the real IMDS.
	RoleException LeftoverRole = "exception"
	// RoleAssigned is an AzureAssignedIdentity: MIC's own, and MIC's to delete.
	RoleAssigned LeftoverRole = "assigned"
	// RoleNMI is the DaemonSet that intercepts IMDS.
	RoleNMI LeftoverRole = "nmi"
	// RoleMIC is the Deployment that assigns identities to nodes.
	RoleMIC LeftoverRole = "mic"
)

// addOnOwner is the owner of what the AKS add-on made.
const addOnOwner = "the AKS add-on"

// LeftoverOptions tune [FindLeftovers].
type LeftoverOptions struct {
	// RoleAssignments reads, from ARM, the role assignments that only Pod Identity needs. Default: none; they are unseen then.
	RoleAssignments func(ctx context.Context, cluster string) ([]string, error)
}

// FindLeftovers reads what is left of Pod Identity in a cluster: bindings, identities, assigned identities, exceptions, NMI, MIC, and
// whatever still needs them. It lists these kinds in all namespaces, and so needs more rights than a plan's RBAC manifest grants. It
// writes nothing. What cannot be read is in the result, not an error; the error is
// that of ctx.
func FindLeftovers(ctx context.Context, r Reader, cluster string, opts *LeftoverOptions) (*Leftovers, error) {
	f := &leftoverFinder{ctx: ctx, r: r, out: &Leftovers{Cluster: cluster, Users: []User{}, Objects: []Leftover{}}}
	for _, k := range []struct {
		kind string
		role LeftoverRole
	}{
		{podidentity.KindBinding, RoleBinding}, {podidentity.KindIdentity, RoleIdentity},
		{podidentity.KindException, RoleException}, {podidentity.KindAssigned, RoleAssigned},
	} {
		for _, o := range f.list(Selection{APIVersion: podidentity.GroupVersion, Kind: k.kind}) {
			f.object(o, k.role)
		}
	}
	f.components()
	f.users()
	f.roles(opts)
	return f.out, ctx.Err()
}

// leftoverFinder collects leftovers.
type leftoverFinder struct {
	ctx context.Context
	r   Reader
	out *Leftovers
}

// list reads a kind in all namespaces; a kind that the cluster does not know has no objects.
func (f *leftoverFinder) list(sel Selection) []*unstructured.Unstructured {
	items, err := optional(f.ctx, f.r, sel)
	if err != nil {
		f.out.Unread = append(f.out.Unread, fmt.Sprintf("%s in %s: %v", sel.Kind, sel.APIVersion, err))
	}
	return items
}

func (f *leftoverFinder) object(o *unstructured.Unstructured, role LeftoverRole) {
	f.out.Objects = append(f.out.Objects, Leftover{Object: refOf(o), ResourceVersion: o.GetResourceVersion(), Role: role, Owner: ownerOf(o)})
}

func refOf(o *unstructured.Unstructured) Ref {
	return Ref{APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName(), UID: string(o.GetUID())}
}

// ownerOf names who would put an object back.
func ownerOf(o *unstructured.Unstructured) string {
	if owner := liveOwner(o); owner != "" {
		return owner
	}
	if o.GetLabels()["kubernetes.azure.com/managedby"] == "aks" { // https://learn.microsoft.com/azure/aks/use-azure-ad-pod-identity
		return addOnOwner
	}
	if release := o.GetAnnotations()["meta.helm.sh/release-name"]; release != "" {
		return "Helm release " + release
	}
	return ""
}

// components finds NMI and MIC by the labels of their pods: their own names differ between installs.
func (f *leftoverFinder) components() {
	for _, o := range f.list(Selection{APIVersion: "apps/v1", Kind: "DaemonSet"}) {
		if isComponent(o, "nmi") {
			f.object(o, RoleNMI)
		}
	}
	for _, o := range f.list(Selection{APIVersion: "apps/v1", Kind: "Deployment"}) {
		if isComponent(o, "mic") {
			f.object(o, RoleMIC)
		}
	}
}

func isComponent(o *unstructured.Unstructured, name string) bool {
	labels := []string{"spec", "template", "metadata", "labels"}
	return text(o.Object, append(labels, "component")...) == name || text(o.Object, append(labels, "app.kubernetes.io/component")...) == name
}
