package credentialtest

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// NMIOptions are NMI's flags, with its defaults. Nil means all defaults.
type NMIOptions struct {
	// Managed is the mode of the AKS add-on: identities are looked up by binding,
	// at once. False is standard mode, which waits for MIC to assign them.
	Managed bool
	// RetryAfterHeader is --set-retry-after-header: 503 with Retry-After: 20 in
	// place of 404.
	RetryAfterHeader bool
	// MetadataHeaderOptional is --metadata-header-required=false.
	MetadataHeaderOptional bool
	// BlockInstanceMetadata is --block-instance-metadata.
	BlockInstanceMetadata bool
	// ForceNamespaced is --forceNamespaced. Managed mode has it always.
	ForceNamespaced bool
	// AttemptsForCreated and AttemptsForAssigned are --retry-attempts-for-created
	// and --retry-attempts-for-assigned. Zero: 16 and 4; negative: none.
	AttemptsForCreated, AttemptsForAssigned int
	// Interval is --find-identity-retry-interval. Zero: 5 seconds.
	Interval time.Duration
	// PodLooks is how often NMI looks for a pod, 300 ms apart. Zero: 5.
	PodLooks int
	// RefreshDelays are the pauses between ADAL's requests to an IMDS that answers
	// 404, 410, 429 or 5xx. Nil: 2, 6, 14, 30 and 60 seconds.
	RefreshDelays []time.Duration
	// PodIP says which pod asks. Nil: the source address, read as NMI reads it.
	// See [PodIPHeader] for pods that share an address.
	PodIP func(*http.Request) string
	// Entra is asked for the tokens of service principals. Nil: nobody can be
	// reached there.
	Entra http.RoundTripper
}

// NMI is the node agent of AAD Pod Identity 1.8, which takes the place of IMDS
// for the pods of a node: https://azure.github.io/aad-pod-identity/docs/concepts/nmi/.
// It waits, refuses and breaks as the real one, body for body. It is an
// [http.Handler] for any host, and safe for concurrent use.
//
// One thing differs: the real NMI goes on asking IMDS when the client has gone.
// This one stops, and nobody outside can tell.
type NMI struct {
	opts  NMIOptions
	cache Cache
	imds  http.RoundTripper

	mu     sync.Mutex
	counts map[Operation]int
}

// NewNMI returns an NMI that knows what cache holds and gets its tokens from
// imds, usually InMemory of an [IMDS]. It fails if either is nil.
func NewNMI(cache Cache, imds http.RoundTripper, opts *NMIOptions) (*NMI, error) {
	if cache == nil || imds == nil {
		return nil, errors.New("credentialtest: NewNMI needs a Cache and a transport to IMDS")
	}
	n := &NMI{cache: cache, imds: imds, counts: map[Operation]int{}}
	if opts != nil {
		n.opts = *opts
	}
	n.opts.AttemptsForCreated = positive(n.opts.AttemptsForCreated, 16)
	n.opts.AttemptsForAssigned = positive(n.opts.AttemptsForAssigned, 4)
	n.opts.PodLooks = positive(n.opts.PodLooks, 5)
	if n.opts.Interval == 0 {
		n.opts.Interval = 5 * time.Second
	}
	if n.opts.RefreshDelays == nil {
		n.opts.RefreshDelays = []time.Duration{2 * time.Second, 6 * time.Second, 14 * time.Second, 30 * time.Second, 60 * time.Second}
	}
	if n.opts.PodIP == nil {
		n.opts.PodIP = func(r *http.Request) string { return remoteIP(r.RemoteAddr) }
	}
	return n, nil
}

func positive(n, zero int) int {
	switch {
	case n == 0:
		return zero
	case n < 0:
		return 0
	}
	return n
}

// PodIPHeader makes a PodIP function that trusts a header, for tests in which
// many pods share one address. Without the header the source address counts.
func PodIPHeader(name string) func(*http.Request) string {
	return func(r *http.Request) string {
		if ip := r.Header.Get(name); ip != "" {
			return ip
		}
		return remoteIP(r.RemoteAddr)
	}
}

// The routes of NMI, in order. Only the word metadata is matched without regard
// to case.
var (
	tokenRoute    = regexp.MustCompile(`^/(?i:metadata)/identity/oauth2/token/?`)
	badTokenRoute = regexp.MustCompile(`^/(?i:metadata)/identity.*oauth2.*token`)
	instanceRoute = regexp.MustCompile(`^/(?i:metadata)/instance`)
)

// ServeHTTP routes as NMI does: what it does not know goes to the real IMDS.
func (n *NMI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rw := &statusWriter{ResponseWriter: w}
	var namespace string
	defer func() {
		if p := recover(); p != nil {
			n.panicked(rw, p)
		}
		n.count(Operation{r.URL.Path, rw.code(), namespace, r.URL.Query().Get("resource")})
	}()
	switch path := r.URL.Path; {
	case tokenRoute.MatchString(path):
		n.msi(rw, r, &namespace)
	case badTokenRoute.MatchString(path):
		http.Error(rw, "Invalid request", http.StatusBadRequest)
	case strings.HasPrefix(path, "/host/token"):
		n.host(rw, r, &namespace)
	case n.opts.BlockInstanceMetadata && instanceRoute.MatchString(path):
		http.Error(rw, "Request blocked by AAD Pod Identity NMI", http.StatusForbidden)
	default:
		n.forward(rw, r)
	}
}

// panicked answers as NMI's recovery does; an aborted connection stays aborted.
func (n *NMI) panicked(w http.ResponseWriter, p any) {
	if aborted(p) {
		panic(p)
	}
	err, ok := p.(error)
	if !ok {
		err = errors.New("unknown error")
	}
	http.Error(w, err.Error(), http.StatusInternalServerError)
}
