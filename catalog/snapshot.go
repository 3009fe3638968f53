package catalog

// Snapshot is what was read of one cluster: the facts that matter, never whole objects, each with its origin. Sources may yield it
// in any order; [Reconcile] sorts. It can be saved and replayed elsewhere.
type Snapshot struct {
	Cluster Cluster `json:"cluster"`
	// Origin says where the snapshot as a whole was read: a folder, a kubeconfig context, a saved file.
	Origin string `json:"origin,omitempty"`

	// Components are the parts of Pod Identity itself that run in the cluster; their flags tell its mode.
	Components []Component `json:"components,omitempty"`

	Identities []AzureIdentity        `json:"identities,omitempty"`
	Bindings   []AzureIdentityBinding `json:"bindings,omitempty"`
	Assigned   []AssignedIdentity     `json:"assigned,omitempty"`
	Exceptions []Exception            `json:"exceptions,omitempty"`

	// Workloads are the objects that own a pod template, pods included, as far as they bear on identities.
	Workloads []Workload `json:"workloads,omitempty"`
	// PodsRead is true when pods were among what was read, labelled or not. Without it the absence of a pod says nothing.
	PodsRead bool `json:"podsRead,omitempty"`
	// UnknownKindsSkipped is true when pod templates in custom resources that no rule knows were not looked for.
	UnknownKindsSkipped bool             `json:"unknownKindsSkipped,omitempty"`
	ServiceAccounts     []ServiceAccount `json:"serviceAccounts,omitempty"`
	Namespaces          []Namespace      `json:"namespaces,omitempty"`
	Nodes               []Node           `json:"nodes,omitempty"`

	SecretProviderClasses  []SecretProviderClass   `json:"secretProviderClasses,omitempty"`
	TriggerAuthentications []TriggerAuthentication `json:"triggerAuthentications,omitempty"`

	// ARMOnly is true when nothing of the cluster itself was read: its needs are unknown.
	ARMOnly bool `json:"armOnly,omitempty"`
	// AddOn is ARM's podIdentityProfile; nil where no source read it.
	AddOn *AddOn `json:"addOn,omitempty"`
	// ManagedIdentities are the user-assigned identities that exist in Azure; meaningful only with ManagedIdentitiesRead.
	ManagedIdentities     []ManagedIdentity `json:"managedIdentities,omitempty"`
	ManagedIdentitiesRead bool              `json:"managedIdentitiesRead,omitempty"`
	// ManagedIdentitiesIn are the subscriptions, in lower case, whose identities were read; empty means all that matter. An identity
	// of another subscription is unknown, not gone.
	ManagedIdentitiesIn []string `json:"managedIdentitiesIn,omitempty"`

	// Malformed are the objects that could not be used, wholly or in part; the rest of the snapshot goes on without them.
	Malformed []Malformed `json:"malformed,omitempty"`
}

// Meta is what every fact carries of its object.
type Meta struct {
	APIVersion      string `json:"apiVersion,omitempty"`
	Kind            string `json:"kind,omitempty"`
	Namespace       string `json:"namespace,omitempty"`
	Name            string `json:"name"`
	UID             string `json:"uid,omitempty"`
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// Owner is the controlling owner; nil for none.
	Owner *Owner `json:"owner,omitempty"`
	// Manager is the tool that owns the object's text: "argocd:APP", "flux:NAMESPACE/NAME", "helm:RELEASE"; empty for none known.
	Manager string `json:"manager,omitempty"`
	// Origin says where the fact was read: "file:path#document", "live", "arm:resource ID".
	Origin string `json:"origin,omitempty"`
}

// Owner is a controlling owner reference.
type Owner struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	UID        string `json:"uid,omitempty"`
}

// Component is NMI or MIC, told by image or container name in a DaemonSet, Deployment or pod.
// Flags: https://azure.github.io/aad-pod-identity/docs/configure/feature_flags/
type Component struct {
	Meta
	// Role is "nmi" or "mic".
	Role string `json:"role"`
	// Managed is true for --operation-mode=managed.
	Managed bool `json:"managed,omitempty"`
	// ForceNamespaced is true for --forceNamespaced (=true) or the environment FORCENAMESPACED=true.
	ForceNamespaced bool `json:"forceNamespaced,omitempty"`
}

// AzureIdentity is the projected AzureIdentity.
type AzureIdentity struct {
	Meta
	// Type is 0 user-assigned, 1 service principal with a secret, 2 service principal with a certificate.
	Type       int    `json:"type"`
	ResourceID string `json:"resourceID,omitempty"`
	ClientID   string `json:"clientID,omitempty"`
	TenantID   string `json:"tenantID,omitempty"`
	// Namespaced is true when the annotation aadpodidentity.k8s.io/Behavior is exactly "namespaced".
	Namespaced bool `json:"namespaced,omitempty"`
	// MisCased are keys of its spec written in another letter case, as releases before v1.6.0 did.
	MisCased []string `json:"misCased,omitempty"`
}

// AzureIdentityBinding is the projected AzureIdentityBinding.
type AzureIdentityBinding struct {
	Meta
	// AzureIdentity is looked up in the binding's own namespace.
	AzureIdentity string `json:"azureIdentity"`
	// Selector equals the pod label value byte for byte; empty matches nothing.
	Selector string   `json:"selector"`
	MisCased []string `json:"misCased,omitempty"`
}

// AssignedIdentity is the projected AzureAssignedIdentity.
type AssignedIdentity struct {
	Meta
	Pod          string `json:"pod"`
	PodNamespace string `json:"podNamespace"`
	NodeName     string `json:"nodeName"`
	// Identity and Binding are "namespace/name" of the embedded objects.
	Identity string `json:"identity,omitempty"`
	Binding  string `json:"binding,omitempty"`
	Status   string `json:"status,omitempty"`
	// CreatedAt is metadata.creationTimestamp in RFC 3339, so that a stuck one can be told from a fresh one.
	CreatedAt string `json:"createdAt,omitempty"`
}

// Exception is the projected AzurePodIdentityException: any one of the labels excepts a pod of its namespace.
type Exception struct {
	Meta
	PodLabels map[string]string `json:"podLabels,omitempty"`
	MisCased  []string          `json:"misCased,omitempty"`
}

// Workload is an object with a pod template, or a pod.
type Workload struct {
	Meta
	Template PodTemplate `json:"template"`
	// TemplatePath is where the template lies in the object, such as "spec.template" or "spec.jobTemplate.spec.template".
	TemplatePath string `json:"templatePath,omitempty"`
	// Heuristic is true when the template was found by its shape, in a kind that no rule knows.
	Heuristic bool `json:"heuristic,omitempty"`
	// SelectsBinding is true when aadpodidbinding is part of the workload's own immutable spec.selector.
	SelectsBinding bool `json:"selectsBinding,omitempty"`
	// Replicas wanted; nil where the kind has none.
	Replicas *int32 `json:"replicas,omitempty"`
	// Suspended CronJobs and Jobs, paused Deployments and Rollouts.
	Suspended bool `json:"suspended,omitempty"`
	// Strategy is how the kind replaces its pods when the template changes, where that is not by a rolling update: "Recreate", "OnDelete".
	Strategy string `json:"strategy,omitempty"`
	// Ref is the object whose template an Argo Rollout borrows (spec.workloadRef).
	Ref *Owner `json:"ref,omitempty"`
	// Phase and NodeName are a pod's.
	Phase    string `json:"phase,omitempty"`
	NodeName string `json:"nodeName,omitempty"`
}

// PodTemplate is what bears on identities in a pod or a pod template.
type PodTemplate struct {
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations are those of the webhook alone (azure.workload.identity/…).
	Annotations map[string]string `json:"annotations,omitempty"`
	// ServiceAccount as named; empty means default.
	ServiceAccount string `json:"serviceAccount,omitempty"`
	HostNetwork    bool   `json:"hostNetwork,omitempty"`
	Windows        bool   `json:"windows,omitempty"`
	// Env are the hard-coded AZURE_* and MSI_* variables; Value is kept for IDs and hosts and never for secrets.
	Env []Env `json:"env,omitempty"`
	// IMDS are the places that name the metadata endpoint 169.254.169.254: "container: where".
	IMDS []string `json:"imds,omitempty"`
	// SecretProviderClasses are those that CSI volumes mount.
	SecretProviderClasses []string `json:"secretProviderClasses,omitempty"`
}

// Env is one hard-coded environment variable.
type Env struct {
	Container string `json:"container"`
	Name      string `json:"name"`
	Value     string `json:"value,omitempty"`
}

// ServiceAccount is the projected ServiceAccount.
type ServiceAccount struct {
	Meta
	// Annotations are those of the webhook alone.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Namespace is the projected Namespace.
type Namespace struct {
	Meta
	// PodSecurity is the value of pod-security.kubernetes.io/enforce.
	PodSecurity string `json:"podSecurity,omitempty"`
}

// Node is the projected Node.
type Node struct {
	Meta
	Windows bool `json:"windows,omitempty"`
}

// SecretProviderClass is the projected SecretProviderClass of the Azure Key Vault provider.
type SecretProviderClass struct {
	Meta
	UsePodIdentity bool   `json:"usePodIdentity,omitempty"`
	ClientID       string `json:"clientID,omitempty"`
}

// TriggerAuthentication is the projected KEDA TriggerAuthentication or ClusterTriggerAuthentication.
type TriggerAuthentication struct {
	Meta
	// Provider is spec.podIdentity.provider.
	Provider   string `json:"provider,omitempty"`
	IdentityID string `json:"identityID,omitempty"`
}

// AddOn is ARM's podIdentityProfile of a managed cluster.
type AddOn struct {
	Enabled    bool             `json:"enabled"`
	Identities []AddOnIdentity  `json:"identities,omitempty"`
	Exceptions []AddOnException `json:"exceptions,omitempty"`
	Origin     string           `json:"origin,omitempty"`
}

// AddOnIdentity is one entry of userAssignedIdentities.
type AddOnIdentity struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	// Selector is bindingSelector; empty means Name.
	Selector          string `json:"selector,omitempty"`
	ResourceID        string `json:"resourceID"`
	ClientID          string `json:"clientID"`
	ProvisioningState string `json:"provisioningState,omitempty"`
	ProvisioningError string `json:"provisioningError,omitempty"`
}

// AddOnException is one entry of userAssignedIdentityExceptions.
type AddOnException struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	PodLabels map[string]string `json:"podLabels,omitempty"`
}

// ManagedIdentity is a user-assigned identity that exists in Azure.
type ManagedIdentity struct {
	ResourceID string `json:"resourceID"`
	ClientID   string `json:"clientID"`
	TenantID   string `json:"tenantID,omitempty"`
	Location   string `json:"location"`
	Origin     string `json:"origin,omitempty"`
}

// Malformed is an object, or a document that is none, that could not be used.
type Malformed struct {
	Origin string `json:"origin"`
	// Object is "Kind/name" as far as known.
	Object    string `json:"object,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	// Field is the path of the offending field, as far as known.
	Field  string `json:"field,omitempty"`
	Reason string `json:"reason"`
}
