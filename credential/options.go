package credential

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

const (
	defaultStartupWindow = 3 * time.Minute
	defaultSteadyWindow  = 15 * time.Second
	defaultFallbackAfter = 10 * time.Second

	// NMI holds a request for up to 100 s before it answers 404.
	// https://azure.github.io/aad-pod-identity/docs/configure/feature_flags/
	defaultMetadataTry = 110 * time.Second
	defaultEntraTry    = 30 * time.Second
)

// Options configures New. Nil is the same as the zero value: everything is read
// from the pod's environment, which the workload identity webhook fills in.
type Options struct {
	// ClientOptions reach the azidentity credentials inside. Transport, when set,
	// carries the requests to Entra and never those to the metadata endpoint, which
	// must not go through a proxy or over a kept connection; an identity binding
	// brings its own. Retry is ignored: one schedule governs, see the package comment.
	azcore.ClientOptions

	// Path forces a path. Auto, the default, chooses from the environment.
	Path Path
	// ClientID of the identity. Default: AZURE_CLIENT_ID.
	ClientID string
	// TenantID of the identity. Default: AZURE_TENANT_ID. On the PodIdentity path it
	// may be empty; if it is a GUID, tokens of another tenant are refused.
	TenantID string
	// TokenFile holds the projected service account token. Default: AZURE_FEDERATED_TOKEN_FILE.
	TokenFile string
	// ResourceID of the managed identity. If set, tokens that name another one in
	// their xms_mirid claim are refused.
	ResourceID string
	// AdditionallyAllowedTenants is passed to azidentity.WorkloadIdentityCredential.
	AdditionallyAllowedTenants []string
	// DisableInstanceDiscovery is passed to azidentity.WorkloadIdentityCredential.
	DisableInstanceDiscovery bool

	// AllowNodeIdentity permits the PodIdentity path without a client ID, so that
	// the answer may be the node's own identity. Leave it false in a pod.
	AllowNodeIdentity bool
	// AcceptOpaque permits tokens from the metadata endpoint whose claims cannot be
	// read. Default: they are refused, because nothing proves whose they are.
	AcceptOpaque bool

	// IMDSTransport carries the requests to the metadata endpoint.
	// Default: a client without keep-alive, proxy or redirects.
	IMDSTransport policy.Transporter
	// DialIMDS replaces the dialer of the default metadata client, whose timeout
	// of 1 s and fresh connection for every request remain.
	DialIMDS func(ctx context.Context, network, address string) (net.Conn, error)

	// StartupWindow is how long failures that can heal are retried before the first
	// success, from the first failure on. Default 3 min; negative: as SteadyWindow.
	StartupWindow time.Duration
	// SteadyWindow is the same for each request afterwards. Default 15 s; negative: one try.
	SteadyWindow time.Duration
	// TryTimeout ends a single try. Default 110 s on the PodIdentity path, to
	// outlast NMI's hold, and 30 s elsewhere. Overlapping tries mean that nobody
	// waits this long for a lost connection.
	TryTimeout time.Duration

	// Fallback permits pod identity while the pod is not federated yet. Nil: never.
	Fallback *Fallback

	// Rand returns the jitter, in [0,1). It is called under a lock. Default: math/rand/v2.
	Rand func() float64
	// LookupEnv reads the environment, once, in New. Default: os.LookupEnv. The
	// details of an identity binding are read by azidentity, from the process.
	LookupEnv func(name string) (string, bool)
	// OnEvent is told what happens: one call at a time, on the goroutine of the
	// token request. It must return quickly and must not call the Credential.
	OnEvent func(Event)
	// Logger gets the same at Debug, and at Info what an operator must know. Default: discard.
	Logger *slog.Logger
}

// Fallback permits a pod that carries workload identity to take tokens through
// pod identity while both are installed. It starts only on answers that mean the
// pod's service account is not federated with its identity (yet), never after
// workload identity has succeeded once, and ends for good at Until. A token had
// through it is used until it is due; its successor comes from workload identity.
type Fallback struct {
	// Until ends the fallback. Required.
	Until time.Time
	// After is how long workload identity is tried first. Default 10 s; negative: at once.
	After time.Duration
}

func (o *Options) withDefaults() Options {
	var out Options
	if o != nil {
		out = *o
	}
	setDuration(&out.StartupWindow, defaultStartupWindow)
	setDuration(&out.SteadyWindow, defaultSteadyWindow)
	if out.Fallback != nil {
		f := *out.Fallback
		setDuration(&f.After, defaultFallbackAfter)
		out.Fallback = &f
	}
	if out.Rand == nil {
		out.Rand = rand.Float64
	}
	if out.LookupEnv == nil {
		out.LookupEnv = os.LookupEnv
	}
	if out.Logger == nil {
		out.Logger = slog.New(slog.DiscardHandler)
	}
	return out
}

// setDuration gives zero its default and turns negative, which means off, into zero.
func setDuration(d *time.Duration, def time.Duration) {
	switch {
	case *d == 0:
		*d = def
	case *d < 0:
		*d = 0
	}
}
