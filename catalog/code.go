package catalog

// Code names a kind of finding; it never changes meaning. The comment of each constant says what it means, how severe it is, what
// its Object is, which reads it depends on, and the remedy. [Rules] has the same as data.
type Code string

// Codes about workloads. Object is the workload that owns the pods; only workloads that carry the aadpodidbinding label, or for
// half of them the Workload Identity label, are looked at.
const (
	// NotRunning (warning): a labelled workload has no pods to prove a change on now: scaled to zero, suspended, paused, or a
	// CronJob between runs. Remedy: move the template all the same; it counts as verified only after it ran.
	NotRunning Code = "not-running"
	// CustomWorkload (warning): a labelled pod template lies in a custom resource. Remedy: change it at the path named in the
	// message; no rule knows when its rollout is complete, so check that by hand.
	CustomWorkload Code = "custom-workload"
	// LabelWithoutBinding (error; info where the pods use Workload Identity already): pods carry a label value that no binding selects,
	// so they get no identity by it. Depends on the read of bindings. Remedy: correct the value (the nearest selector is named), or remove the label.
	LabelWithoutBinding Code = "label-without-binding"
	// ManyIdentities (blocking): one label value leads to several identities. Remedy: choose the default for the service account's
	// annotation and name the others by client ID in code; every one of them must trust the service account.
	ManyIdentities Code = "many-identities"
	// CrossNamespaceBinding (error on the workload, info on the binding): the binding lies in another namespace than the pods, which
	// standard mode allows and Workload Identity cannot. Remedy: decide which namespace owns the identity and federate the pods' own service account.
	CrossNamespaceBinding Code = "cross-namespace-binding"
	// ImmutableSelector (blocking): aadpodidbinding is part of the workload's immutable spec.selector, so the label cannot leave the
	// template. Remedy: create the workload anew beside the old one, without the label in its selector.
	ImmutableSelector Code = "immutable-selector"
	// BarePod (warning): a labelled pod has no controller. Remedy: whoever made the pod must make it again with the new label.
	BarePod Code = "bare-pod"
	// HardCodedEnvironment (warning): a container sets credential variables itself or names the metadata endpoint. The webhook never
	// overwrites a variable that exists. Remedy: remove them from the template.
	HardCodedEnvironment Code = "hard-coded-environment"
	// HostNetwork (warning): a labelled pod uses the host's network, where NMI's redirect and the migration proxy do not work as
	// elsewhere. Remedy: move it straight to Workload Identity, without the proxy sidecar.
	HostNetwork Code = "host-network"
	// Windows (warning): a labelled pod runs on Windows, where the migration proxy does not exist. Remedy: as for HostNetwork.
	Windows Code = "windows"
	// PodIdentityException (info): an AzurePodIdentityException matches, so the pods talk to IMDS directly and are not a need.
	// Remedy: none for Pod Identity; decide apart whether they may use the node's identity.
	PodIdentityException Code = "pod-identity-exception"
	// HalfMigrated (info to error): the move of a workload has begun. Info: both labels, or the service account is annotated and the
	// new label is yet to come. Warning: nothing carries the label although the service account is annotated, or the label's value
	// is not exactly "true". Error: the label without a client ID, so pods get no AZURE_CLIENT_ID and fall back in silence.
	// Remedy: go on with the step that the message names.
	HalfMigrated Code = "half-migrated"
	// GitOpsManaged (info): Argo CD, Flux or Helm owns the object's text. Remedy: make the change where the message says; a removal
	// made in the cluster is reverted.
	GitOpsManaged Code = "gitops-managed"
)

// Codes about the objects of Pod Identity. Object is the AzureIdentityBinding, AzureIdentity or AzureAssignedIdentity.
const (
	// OrphanBinding (warning): no pod and no template carries the selector. Depends on every read of workloads. Remedy: confirm that
	// it is unused, delete it; it is never federated.
	OrphanBinding Code = "orphan-binding"
	// DanglingIdentity (error): the binding names an AzureIdentity that its namespace does not hold. Depends on the read of
	// identities. Remedy: correct spec.azureIdentity or delete the binding.
	DanglingIdentity Code = "dangling-identity"
	// IdentityGone (error): the identity does not exist in Azure, or exists anew under another client ID. Only where a source read
	// the identities of Azure. Remedy: point the AzureIdentity to what exists, before anything is federated.
	IdentityGone Code = "identity-gone"
	// DuplicateIdentity (info): several AzureIdentities of a cluster are one identity in Azure. Remedy: none needed; they become one.
	DuplicateIdentity Code = "duplicate-identity"
	// ServicePrincipal (blocking when a binding uses it, else info): the identity is an app registration (type 1 or 2). Remedy: put
	// the federated credential on the application, through Microsoft Graph.
	ServicePrincipal Code = "service-principal"
	// IdentityDrift (warning): the clusters of one region bind the same logical key to different identities, or to one
	// resource under different client IDs; reported on the odd ones out. In a tie the identity that lies in the region wins, then the one
	// that the first cluster by name uses. Remedy: decide which is right and mirror it.
	IdentityDrift Code = "identity-drift"
	// BindingMissing (warning where the service account is there or pods carry the label in vain, info where only the number of other
	// clusters speaks for it): a binding that other clusters have is absent. Depends on the read of bindings. Remedy: mirror it, or confirm
	// that the cluster does not need it.
	BindingMissing Code = "binding-missing-in-cluster"
	// CrossRegionIdentity (warning): the identity lies in another region than the cluster. Only where a source read locations.
	// Remedy: use an identity of the region, or accept that one region's failure or compromise reaches the other.
	CrossRegionIdentity Code = "cross-region-identity"
	// StaleAssignedIdentity (warning): the pod or node of an AzureAssignedIdentity is gone, or it is stuck in Created. Depends on the
	// reads of pods and nodes. Remedy: leave its finalizer alone until MIC has stopped, then delete it.
	StaleAssignedIdentity Code = "stale-assigned-identity"
	// AssignedNameCollision (warning): two assignments compute the same pod-namespace-identity name, so only one of them exists.
	// Remedy: move the workload early, or rename one AzureIdentity.
	AssignedNameCollision Code = "assigned-name-collision"
	// AddOnMismatch (warning, error for a failed assignment): the AKS add-on's profile and the cluster's objects disagree. Depends on
	// the reads of bindings and identities. Remedy: change it through ARM, which owns these objects.
	AddOnMismatch Code = "add-on-mismatch"
)

// Codes about service accounts and about what else uses Pod Identity. Object is the object named.
const (
	// SharedServiceAccount (blocking): workloads with different identities share a service account, which can carry one client ID.
	// Remedy: give each identity a service account of its own.
	SharedServiceAccount Code = "shared-service-account"
	// DefaultServiceAccount (warning): labelled pods run as "default". Trust in it is trust in every pod of the namespace that names
	// no service account. Remedy: give the workload a service account of its own.
	DefaultServiceAccount Code = "default-service-account"
	// MissingServiceAccount (error): pods name a service account that does not exist. Depends on the read of service accounts.
	// Remedy: create it; the webhook refuses pods without one.
	MissingServiceAccount Code = "missing-service-account"
	// ConflictingAnnotation (error): the service account is annotated with another client ID than its pods use today. Remedy:
	// correct the annotation before the label is set.
	ConflictingAnnotation Code = "conflicting-annotation"
	// CSIPodIdentity (error): a SecretProviderClass has usePodIdentity "true". Remedy: set clientID and turn usePodIdentity off.
	// https://azure.github.io/secrets-store-csi-driver-provider-azure/docs/configurations/identity-access-modes
	CSIPodIdentity Code = "csi-pod-identity"
	// KEDAPodIdentity (error): a TriggerAuthentication uses provider "azure", which KEDA 2.15 removed. Remedy: provider
	// "azure-workload". https://keda.sh/docs/2.14/authentication-providers/azure-ad-pod-identity
	KEDAPodIdentity Code = "keda-pod-identity"
)

// Codes about what was read. Object is the object, or "Read/RESOURCE" for a read that failed.
const (
	// MalformedObject (error; warning for an AzureIdentity without a resource ID, which only MIC minds; info for keys in the letter case
	// of before v1.6.0): an object, or a value of it, cannot be used, or, for a binding without a selector in managed mode, does what
	// nobody meant. What can be read of it counts. Remedy: correct the field named and read again.
	MalformedObject Code = "malformed-object"
	// CoverageGap (error): a read failed or came back short; what depends on it is unknown. Remedy: grant it, or give the file whole.
	CoverageGap Code = "coverage-gap"
)

// Codes that compare needs with the federated credentials of today; the federation planner finds them.
const (
	// FederationLimit (blocking): an identity would need more than 20 federated credentials. Remedy: split the identity.
	FederationLimit Code = "federation-limit"
	// DeadIssuer (warning): a credential trusts an issuer that no cluster has, as after a rebuild. Remedy: remove it.
	DeadIssuer Code = "dead-issuer"
	// UnknownSubject (warning): a credential trusts a service account that does not exist. Remedy: remove it.
	UnknownSubject Code = "unknown-subject"
)
