package catalog

// Finding is something about the estate that a person should know or must decide. It is not an error of the scan.
type Finding struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`
	Cluster  string   `json:"cluster"`
	// Namespace is empty for what has none.
	Namespace string `json:"namespace"`
	// Object is Kind/name.
	Object  string `json:"object"`
	Message string `json:"message"`
	// Remedy says what to do.
	Remedy string `json:"remedy"`
}

// Severity orders findings.
type Severity string

const (
	// Info needs no action.
	Info Severity = "info"
	// Warning should be looked at before the namespace moves.
	Warning Severity = "warning"
	// Error is broken today or will break when the namespace moves.
	Error Severity = "error"
	// Blocking keeps the objects it names out of every plan until a person has decided.
	Blocking Severity = "blocking"
)

// Code names a kind of finding; it never changes meaning.
type Code string

const (
	NotRunning            Code = "not-running"
	CustomWorkload        Code = "custom-workload"
	OrphanBinding         Code = "orphan-binding"
	DanglingIdentity      Code = "dangling-identity"
	LabelWithoutBinding   Code = "label-without-binding"
	IdentityGone          Code = "identity-gone"
	DuplicateIdentity     Code = "duplicate-identity"
	ManyIdentities        Code = "many-identities"
	SharedServiceAccount  Code = "shared-service-account"
	FederationLimit       Code = "federation-limit"
	DefaultServiceAccount Code = "default-service-account"
	MissingServiceAccount Code = "missing-service-account"
	ConflictingAnnotation Code = "conflicting-annotation"
	IdentityDrift         Code = "identity-drift"
	BindingMissing        Code = "binding-missing-in-cluster"
	CrossRegionIdentity   Code = "cross-region-identity"
	StaleAssignedIdentity Code = "stale-assigned-identity"
	AssignedNameCollision Code = "assigned-name-collision"
	CrossNamespaceBinding Code = "cross-namespace-binding"
	ServicePrincipal      Code = "service-principal"
	ImmutableSelector     Code = "immutable-selector"
	BarePod               Code = "bare-pod"
	HardCodedEnvironment  Code = "hard-coded-environment"
	HostNetwork           Code = "host-network"
	Windows               Code = "windows"
	CSIPodIdentity        Code = "csi-pod-identity"
	KEDAPodIdentity       Code = "keda-pod-identity"
	PodIdentityException  Code = "pod-identity-exception"
	AddOnMismatch         Code = "add-on-mismatch"
	HalfMigrated          Code = "half-migrated"
	DeadIssuer            Code = "dead-issuer"
	UnknownSubject        Code = "unknown-subject"
	GitOpsManaged         Code = "gitops-managed"
	MalformedObject       Code = "malformed-object"
	CoverageGap           Code = "coverage-gap"
)
