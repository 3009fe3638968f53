// Package podidentity holds the wire names of the old world: AAD Pod Identity as its last release (v1.8.17) reads and writes them.
// Source of every name: https://github.com/Azure/aad-pod-identity (archived), pkg/apis/aadpodidentity/v1.
package podidentity

const (
	// Group of the four custom resources.
	Group = "aadpodidentity.k8s.io"
	// Version of the four custom resources.
	Version = "v1"
	// GroupVersion is Group/Version, as objects carry it.
	GroupVersion = Group + "/" + Version

	// Label is the pod label whose value a binding's selector must equal, byte for byte.
	Label = "aadpodidbinding"

	// BehaviorAnnotation with the exact value BehaviorNamespaced restricts an AzureIdentity to pods of its own namespace.
	// https://azure.github.io/aad-pod-identity/docs/configure/match_pods_in_namespace/
	BehaviorAnnotation = "aadpodidentity.k8s.io/Behavior"
	// BehaviorNamespaced is the one value of BehaviorAnnotation that means anything.
	BehaviorNamespaced = "namespaced"

	// NodeLabel on an AzureAssignedIdentity names its node, in lower case.
	NodeLabel = "nodename"

	// Finalizer is what MIC puts on an AzureAssignedIdentity since v1.6.1.
	Finalizer = "azureassignedidentity.finalizers.aadpodidentity.k8s.io"
)

// Kinds of the custom resources.
const (
	KindIdentity  = "AzureIdentity"
	KindBinding   = "AzureIdentityBinding"
	KindAssigned  = "AzureAssignedIdentity"
	KindException = "AzurePodIdentityException"
)

// Values of AzureIdentity's spec.type.
const (
	TypeUserAssigned                = 0
	TypeServicePrincipal            = 1
	TypeServicePrincipalCertificate = 2
)

// Values of AzureAssignedIdentity's status.status; the empty string is what releases before MIC wrote, and counts as assigned.
const (
	StatusCreated    = "Created"
	StatusAssigned   = "Assigned"
	StatusUnassigned = "Unassigned"
)
