package cutover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// statusReads is how many status pages of pods are read at the same time, and statusTimeout how long one of them may take.
const (
	statusReads   = 8
	statusTimeout = 10 * time.Second
)

// Telemetry is a [PathOracle] made of the two witnesses that a cluster can offer: the counters of its NMI, and what applications say
// about themselves on the status page of package credential (Credential.StatusHandler). It is safe for concurrent use.
type Telemetry struct {
	// NMI reads the counters of the old path. Nil makes OldPath an error: what NMI serves is then unknown.
	NMI *NMIMetrics
	// Status returns the JSON of a pod's status page, by whatever way leads there: the pod's address, a port forward, the API server's
	// proxy. An error makes the pod unknown, and so does no answer within 10 seconds. Nil makes every pod unknown.
	Status func(ctx context.Context, cluster, namespace, pod string) ([]byte, error)
}

var _ PathOracle = (*Telemetry)(nil)

// OldPath returns what [NMIMetrics.OldPath] does.
func (t *Telemetry) OldPath(ctx context.Context, cluster, namespace string) ([]NMIReading, error) {
	if t.NMI == nil {
		return nil, errors.New("cutover: Telemetry has no NMIMetrics, so what NMI serves is unknown")
	}
	return t.NMI.OldPath(ctx, cluster, namespace)
}

// Pods reads the status page of each pod, and returns one PodPath for each, in the order given. A pod whose page cannot be read or
// understood is [PathUnknown], with the class of the trouble in LastError; so is one that has taken no token yet, whatever it intends.
// The error is that of ctx.
func (t *Telemetry) Pods(ctx context.Context, cluster, namespace string, pods []string) ([]PodPath, error) {
	out := make([]PodPath, len(pods))
	var g errgroup.Group
	g.SetLimit(statusReads)
	for i, pod := range pods {
		g.Go(func() error {
			out[i] = t.pod(ctx, cluster, namespace, pod)
			return nil
		})
	}
	_ = g.Wait() //nolint:errcheck // what cannot be read is in the result
	return out, ctx.Err()
}

func (t *Telemetry) pod(ctx context.Context, cluster, namespace, pod string) PodPath {
	unknown := PodPath{Pod: pod, Path: PathUnknown}
	if t.Status == nil {
		unknown.LastError = "no telemetry"
		return unknown
	}
	within, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	page, err := t.Status(within, cluster, namespace, pod)
	if err != nil {
		unknown.LastError = "status page cannot be read"
		return unknown
	}
	path, err := parseStatus(page)
	if err != nil {
		unknown.LastError = "status page cannot be understood"
		return unknown
	}
	path.Pod = pod
	return path
}

// statusPage is what counts of credential.Status, by its JSON names.
type statusPage struct {
	Path        string    `json:"path"`
	AnsweredBy  string    `json:"answeredBy"`
	ClientID    string    `json:"clientID"`
	LastSuccess time.Time `json:"lastSuccess"`
	Failures    int64     `json:"failures"`
	Taken       int64     `json:"taken"`
	Failed      int64     `json:"failed"`
	LastFailure *struct {
		Decision string `json:"decision"`
		Codes    []int  `json:"codes"`
	} `json:"lastFailure"`
}

// parseStatus reads a status page. The path is that of the last token, by who answered: what a credential intends proves nothing.
func parseStatus(page []byte) (PodPath, error) {
	var s statusPage
	if err := json.Unmarshal(page, &s); err != nil {
		return PodPath{}, err
	}
	if s.Path == "" {
		return PodPath{}, errors.New("no path")
	}
	out := PodPath{Path: PathUnknown, ClientID: s.ClientID, Taken: s.Taken, Failed: s.Failed}
	switch s.AnsweredBy {
	case "entra", "migrationProxy": // the proxy exchanges at Entra too
		out.Path = PathWorkloadIdentity
	case "nmi", "imds", "metadata":
		out.Path = PathPodIdentity
	}
	if s.LastSuccess.IsZero() || s.Taken == 0 {
		out.Path = PathUnknown
	}
	if f := s.LastFailure; f != nil && (s.Failures > 0 || s.Failed > 0) {
		codes := []string{f.Decision}
		for _, c := range f.Codes {
			codes = append(codes, fmt.Sprintf("AADSTS%d", c))
		}
		out.LastError = strings.Join(codes, " ")
	}
	return out, nil
}
