package credentialtest

import (
	"context"
	"net"
	"os"
	"syscall"
	"time"
)

// Behaviour is one way in which a token source fails for a while.
type Behaviour struct {
	// Name says what happens, for tables of results.
	Name string

	answer Canned
	kind   behaviourKind
	dial   time.Duration
}

type behaviourKind int

const (
	answering behaviourKind = iota
	refused
	synDropped
	neverAnswered
	held
)

// Answering is a source that gives one answer.
func Answering(name string, c Canned) Behaviour { return Behaviour{Name: name, answer: c} }

// Refused is a port that nobody listens on.
func Refused() Behaviour { return Behaviour{Name: "connection refused", kind: refused} }

// SYNDropped is a host to which no packet gets through. The client's kernel
// sends SYN again 1, 3, 7, 15 … seconds after the first, and connects with the
// first one that arrives; the client gives up after dialTimeout. Zero: 30
// seconds, azcore's.
func SYNDropped(dialTimeout time.Duration) Behaviour {
	if dialTimeout <= 0 {
		dialTimeout = 30 * time.Second
	}
	return Behaviour{Name: "SYN dropped", kind: synDropped, dial: dialTimeout}
}

// NeverAnswered accepts a request and never answers it, recovery or not: only
// the client's own timeout ends it.
func NeverAnswered() Behaviour {
	return Behaviour{Name: "accepted, never answered", kind: neverAnswered}
}

// Held keeps a request open and serves it on recovery, as NMI does while it
// waits for an identity.
func Held() Behaviour { return Behaviour{Name: "held until recovery", kind: held} }

// Behaviours returns the ways in which NMI and IMDS are known to fail while a
// pod starts, each once: the rows of a survival table.
func Behaviours() []Behaviour {
	nmi404 := "getting assigned identities for pod payments/api in CREATED state failed after 16 attempts, retry duration [5]s, " +
		"error: <nil>. Check MIC pod logs for identity assignment errors\n"
	nmi403 := "adal: Refresh request failed. Status Code = '400'. Response body: " +
		`{"error":"invalid_request","error_description":"Identity not found"} Endpoint ` + TokenURL + "?api-version=2018-02-01\n"
	text := map[string]string{"Content-Type": "text/plain; charset=utf-8"}
	json := map[string]string{"Content-Type": "application/json; charset=utf-8", "Server": "IMDS/150.870.65.1475"}
	return []Behaviour{
		Answering("404, not assigned yet", Canned{Status: 404, Header: text, Body: nmi404}),
		Answering("500, pod unknown", Canned{Status: 500, Header: text, Body: "pod list is empty\n"}),
		Answering("503 without Retry-After", Canned{Status: 503, Header: text,
			Body: "adal: Failed to execute the refresh request. Error = 'Get \"" + TokenURL + "\": EOF'\n"}),
		Answering("429", Canned{Status: 429, Header: json, Body: `{"error":"too_many_requests","error_description":"Too many requests"}`}),
		Answering("503 with Retry-After 20", Canned{Status: 503, Header: text, RetryAfter: 20 * time.Second, Body: nmi404}),
		Answering("503 with Retry-After 30", Canned{Status: 503, Header: text, RetryAfter: 30 * time.Second, Body: nmi404}),
		Answering("403, identity not attached", Canned{Status: 403, Header: text, Body: nmi403}),
		Answering("400 Identity not found", Canned{Status: 400, Header: json, Body: `{"error":"invalid_request","error_description":"Identity not found"}`}),
		Answering("400 Multiple identities", Canned{Status: 400, Header: json, Body: `{"error":"invalid_request","error_description":"Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request"}`}),
		Answering("200 with HTML", Canned{Status: 200, Header: map[string]string{"Content-Type": "text/html"},
			Body: "<html><body>Sign in to the network</body></html>"}),
		Refused(),
		SYNDropped(0),
		NeverAnswered(),
		Held(),
	}
}

// dialError is what a client sees when nobody listens.
func dialError(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }

func refusedError() error { return dialError(os.NewSyscallError("connect", syscall.ECONNREFUSED)) }

// synDelay returns how long after its first SYN a client gets through to a host
// that is back after left, and whether it waits that long.
func synDelay(left, dialTimeout time.Duration) (time.Duration, bool) {
	for sent := time.Duration(0); sent < dialTimeout; sent = 2*sent + time.Second {
		if sent >= left {
			return sent, true
		}
	}
	return dialTimeout, false
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
