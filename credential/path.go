package credential

// Path is the way a pod gets its tokens. It is chosen once, by New, and pinned.
type Path string

const (
	// Auto lets New choose: WorkloadIdentity when the pod carries a federated
	// token, else PodIdentity. It is the zero value and never appears in a Status.
	Auto Path = ""
	// WorkloadIdentity exchanges the projected service account token at Microsoft Entra.
	WorkloadIdentity Path = "workloadIdentity"
	// PodIdentity asks the instance metadata endpoint, where NMI, the migration
	// proxy or, if nothing intercepts the request, the node itself answers.
	PodIdentity Path = "podIdentity"
	// Wrapped is the path of a Credential made by Wrap.
	Wrapped Path = "wrapped"
)

// Source says who answered a token request, as far as the answer shows it.
type Source string

const (
	// SourceEntra is Microsoft Entra's token endpoint, or the identity binding proxy before it.
	SourceEntra Source = "entra"
	// SourceNMI is the node-managed identity server of AAD Pod Identity. It
	// answers errors as text/plain with nosniff and never names a server.
	SourceNMI Source = "nmi"
	// SourceIMDS is the real instance metadata service: nothing intercepted the request.
	SourceIMDS Source = "imds"
	// SourceProxy is the migration proxy sidecar of workload identity.
	SourceProxy Source = "migrationProxy"
	// SourceMetadata is whoever answers at 169.254.169.254 without saying who it is.
	SourceMetadata Source = "metadata"
	// SourceTokenFile is the projected service account token on disk.
	SourceTokenFile Source = "tokenFile"
	// SourceWrapped is a credential given to Wrap.
	SourceWrapped Source = "wrapped"
)
