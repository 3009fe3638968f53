package workload

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"time"
)

// Paths a token can come by.
const (
	PathWorkloadIdentity = "workloadIdentity"
	PathPodIdentity      = "podIdentity"
	// PathMetadata is all that an application of [ManagedIdentity] knows: the metadata service's address, whoever answers there.
	PathMetadata = "metadata"
)

// Report is the state of one workload process since it started; each line it prints is one. It never holds a token.
type Report struct {
	// StatusURL is the process's own page, for gates that read applications' telemetry.
	StatusURL string `json:"statusURL,omitempty"`
	// Credential is the kind of credential in use, Path the way by which its last token came.
	Credential string `json:"credential"`
	Path       string `json:"path,omitempty"`
	// Taken and Failed count GetToken calls by outcome; Wrong counts tokens of another identity than the one asked for.
	Taken  int `json:"taken"`
	Failed int `json:"failed"`
	Wrong  int `json:"wrong"`
	// Identities counts tokens by the client ID they name, Paths by the way they came.
	Identities map[string]int `json:"identities,omitempty"`
	Paths      map[string]int `json:"paths,omitempty"`
	// FirstToken is how long after its start the process had its first token, Slowest the longest successful call.
	FirstToken time.Duration `json:"firstToken,omitempty"`
	Slowest    time.Duration `json:"slowest"`
	// LastError is the last failure, shortened.
	LastError string `json:"lastError,omitempty"`
}

// Add adds the counts of an earlier process of the same container. What is known only of the present one stays.
func (r *Report) Add(before Report) {
	if r.Taken == 0 {
		r.Path = before.Path
	}
	if r.LastError == "" {
		r.LastError = before.LastError
	}
	r.Taken, r.Failed, r.Wrong = r.Taken+before.Taken, r.Failed+before.Failed, r.Wrong+before.Wrong
	r.Slowest = max(r.Slowest, before.Slowest)
	r.Identities, r.Paths = added(r.Identities, before.Identities), added(r.Paths, before.Paths)
}

// added returns the sums of two counts; neither is changed.
func added(a, b map[string]int) map[string]int {
	sum := maps.Clone(a)
	if sum == nil && len(b) > 0 {
		sum = map[string]int{}
	}
	for k, n := range b {
		sum[k] += n
	}
	return sum
}

// recorder collects a report. It is safe for concurrent use.
type recorder struct {
	mu      sync.Mutex
	started time.Time
	want    string
	report  Report
}

func (r *recorder) success(token, path string, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := clientID(token)
	if r.report.Taken == 0 {
		r.report.FirstToken = time.Since(r.started)
	}
	r.report.Taken++
	r.report.Identities[id]++
	r.report.Path = path
	r.report.Paths[path]++
	r.report.Slowest = max(r.report.Slowest, took)
	if r.want != "" && !strings.EqualFold(id, r.want) {
		r.report.Wrong++
	}
}

func (r *recorder) failure(err error) {
	const most = 600
	text := err.Error()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Failed++
	r.report.LastError = text[:min(len(text), most)]
}

// line is the report as one line of JSON.
func (r *recorder) line() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, err := json.Marshal(r.report)
	return append(b, '\n'), err
}

// clientID reads whose token it is; the signature is the verifier's business.
func clientID(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "not a JWT"
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "not a JWT"
	}
	var claims struct {
		AppID string `json:"appid"`
		AZP   string `json:"azp"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return "not a JWT"
	}
	return or(claims.AppID, claims.AZP)
}
