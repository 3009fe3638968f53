package credentialtest

// Pod is what NMI knows of a pod on its node.
type Pod struct {
	Namespace, Name string
	// IP is how NMI recognises the pod: the source address of its requests.
	IP     string
	Labels map[string]string
	// Phase is Pending, Running, Succeeded or Failed. Empty means Running. NMI
	// serves pods that are Pending or Running.
	Phase string
}

// The kinds of AzureIdentity, by the number in its spec.type.
const (
	UserAssignedMSI             = 0
	ServicePrincipal            = 1
	ServicePrincipalCertificate = 2
)

// AzureIdentity is what NMI reads from the custom resource of that name.
type AzureIdentity struct {
	Namespace, Name      string
	Type                 int
	ResourceID, ClientID string
	// Namespaced says that the identity is annotated to be used only from its own
	// namespace.
	Namespaced bool
	// The rest is for service principals.
	TenantID                    string
	AuxiliaryTenantIDs          []string
	SecretNamespace, SecretName string
}

// AzureIdentityBinding binds the pods whose label aadpodidbinding equals
// Selector to the identity of that name in the binding's namespace.
type AzureIdentityBinding struct {
	Namespace, Name, AzureIdentity, Selector string
}

// The states of an AzureAssignedIdentity. Empty, written by very old releases of
// MIC, counts as assigned.
const (
	StateCreated    = "Created"
	StateAssigned   = "Assigned"
	StateUnassigned = "Unassigned"
)

// AzureAssignedIdentity says that MIC has given, or is giving, an identity to
// the node of a pod. Only standard mode has them.
type AzureAssignedIdentity struct {
	PodNamespace, Pod string
	Identity          AzureIdentity
	State             string
}

// AzurePodIdentityException lets pods that carry any one of the labels get what
// the node's IMDS gives.
type AzurePodIdentityException struct {
	Namespace, Name string
	PodLabels       map[string]string
}

// Cache is what NMI's informers hold. [Node] is one in memory; implement it over
// listers to feed an NMI from a live cluster. Methods are called concurrently
// and must not block.
type Cache interface {
	// PodsByIP returns the pods of the node that have the address, in any phase.
	PodsByIP(ip string) []Pod
	// Pod returns one pod of the node.
	Pod(namespace, name string) (Pod, bool)
	// Assigned returns what is assigned to a pod, in any state. Standard mode.
	Assigned(podNamespace, pod string) []AzureAssignedIdentity
	// Bindings returns the bindings of a namespace. Managed mode.
	Bindings(namespace string) []AzureIdentityBinding
	// Identities returns the identities of a namespace. Managed mode.
	Identities(namespace string) []AzureIdentity
	// Exceptions returns the exceptions of a namespace; an error becomes a 500.
	Exceptions(namespace string) ([]AzurePodIdentityException, error)
	// Secret returns the data of a secret; an error becomes a 503.
	Secret(namespace, name string) (map[string][]byte, error)
}
