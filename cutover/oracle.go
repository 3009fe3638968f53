package cutover

import (
	"context"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// Trust tells what an identity trusts today. Every federation.Store is one.
type Trust interface {
	List(ctx context.Context, id catalog.Identity) ([]federation.Credential, error)
}

// Exchanger trades a Kubernetes token for an Entra token at Entra's token endpoint.
type Exchanger interface {
	// Exchange returns the claims of the token that came back, never the token. An error should unwrap to what the endpoint said.
	Exchange(ctx context.Context, r ExchangeRequest) (Claims, error)
}

// ExchangeRequest is one exchange. Assertion is a secret: it must not be logged or stored.
type ExchangeRequest struct {
	TenantID, ClientID, Assertion string
}

// Claims are what an Entra token says about whom it was issued to.
type Claims struct {
	AppID    string `json:"appID"`
	ObjectID string `json:"objectID,omitempty"`
	TenantID string `json:"tenantID,omitempty"`
}

// PathOracle knows which way pods got their tokens. What it cannot know it reports as an error or as [PathUnknown]; never as silence.
type PathOracle interface {
	// OldPath reads, from every NMI of the cluster, how many token operations it served for pods of the namespace. Errors if
	// any NMI could not be read.
	OldPath(ctx context.Context, cluster, namespace string) ([]NMIReading, error)
	// Pods says, for each named pod of the namespace, how it got its tokens. A pod without telemetry is [PathUnknown].
	Pods(ctx context.Context, cluster, namespace string, pods []string) ([]PodPath, error)
}

// NMIReading is one NMI pod's counter for a namespace. A counter that fell, or another UID, means a restart: what happened in between
// is unknown.
type NMIReading struct {
	// Instance is the UID of the NMI pod.
	Instance string `json:"instance"`
	Node     string `json:"node"`
	// Operations is aadpodidentity_nmi_operations_duration_seconds_count summed over its other labels.
	// https://azure.github.io/aad-pod-identity/docs/configure/metrics/
	Operations int64 `json:"operations"`
	// Refused are those of them that ended in an error status, as they do for pods without the old label; nil where nobody counts them.
	Refused *int64 `json:"refused,omitempty"`
}

// PodPath is what an application says about its own tokens.
type PodPath struct {
	Pod  string `json:"pod"`
	UID  string `json:"uid,omitempty"`
	Path Path   `json:"path"`
	// ClientID is the identity the tokens were issued to.
	ClientID string `json:"clientID,omitempty"`
	Taken    int64  `json:"taken"`
	Failed   int64  `json:"failed"`
	// LastError is a code or a class such as "AADSTS700213", never a message with a token in it.
	LastError string `json:"lastError,omitempty"`
}

// Path is the way a token came.
type Path string

const (
	// PathWorkloadIdentity means: exchanged at Entra for the pod's projected token.
	PathWorkloadIdentity Path = "workloadIdentity"
	// PathPodIdentity means: through IMDS, so through NMI, or past it.
	PathPodIdentity Path = "podIdentity"
	// PathUnknown means: nobody can tell.
	PathUnknown Path = "unknown"
)
