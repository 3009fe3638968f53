package catalog

// Cluster is one cluster of the fleet as its source knows it.
type Cluster struct {
	// Name is the fleet's own name of the cluster, unique within a catalog.
	Name   string `json:"name"`
	Region string `json:"region"`
	// ResourceID is the ARM resource ID of the managed cluster; empty outside AKS or where no source gives it.
	ResourceID string `json:"resourceID,omitempty"`
	// Issuer is the OIDC issuer URL, byte for byte as tokens carry it; empty where no source gives it.
	Issuer string `json:"issuer"`
	// UID is the UID of the kube-system namespace: it changes when a cluster is rebuilt under its old name.
	UID             string          `json:"uid,omitempty"`
	PodIdentityMode PodIdentityMode `json:"podIdentityMode"`
	Coverage        Coverage        `json:"coverage"`
}

// PodIdentityMode says how AAD Pod Identity matches pods in a cluster.
// https://azure.github.io/aad-pod-identity/docs/configure/standard_to_managed_mode/
type PodIdentityMode string

const (
	// ModeNone means that nothing of Pod Identity is in the cluster.
	ModeNone PodIdentityMode = "none"
	// ModeStandard is MIC and NMI; a binding matches pods of any namespace. The upstream default, and assumed where nothing tells.
	ModeStandard PodIdentityMode = "standard"
	// ModeNamespaced is standard mode with forced namespacing.
	ModeNamespaced PodIdentityMode = "namespaced"
	// ModeManaged is NMI alone, as the AKS add-on runs it; always namespaced.
	ModeManaged PodIdentityMode = "managed"
)

// Coverage says which of the reads that the catalog rests on succeeded. What depends on a failed read is unknown, never clean.
type Coverage struct {
	Complete bool  `json:"complete"`
	Gaps     []Gap `json:"gaps"`
}

// Gap is a read that failed or came back short.
type Gap struct {
	// Resource is what could not be read: a resource ("azureidentitybindings.aadpodidentity.k8s.io"), a file, an ARM resource, or one
	// object ("Kind/name") that could not be used.
	Resource string `json:"resource"`
	// Namespace is where the object lies, for a gap of one object whose namespace is known: what it may hide is there.
	Namespace string `json:"namespace,omitempty"`
	Reason    string `json:"reason"`
}
