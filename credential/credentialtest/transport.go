package credentialtest

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// Transport reaches a handler without a socket. It implements
// [http.RoundTripper] and the Transporter of azcore's policy package, starts no
// goroutine, and is safe for concurrent use if its handler is.
//
// The handler runs on the caller's goroutine with the request's context, so a
// handler that waits must watch that context: all doubles here do. When the
// context ends the caller gets its error, whatever the handler wrote. A handler
// that panics with [http.ErrAbortHandler] is seen as a connection reset.
type Transport struct {
	handler http.Handler
	remote  string
}

// InMemory returns a transport whose every request, for whatever host, is
// answered by h. The handler sees 127.0.0.1 as the peer; see [Transport.From].
func InMemory(h http.Handler) *Transport {
	return &Transport{handler: h, remote: "127.0.0.1:40000"}
}

// From returns a transport to the same handler whose requests come from the
// given IP address. NMI tells pods apart by it.
func (t *Transport) From(ip string) *Transport {
	return &Transport{handler: t.handler, remote: net.JoinHostPort(ip, "40000")}
}

// Do is RoundTrip under the name that azcore asks for.
func (t *Transport) Do(r *http.Request) (*http.Response, error) { return t.RoundTrip(r) }

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	return roundTrip(t.handler, r, t.remote)
}

func roundTrip(h http.Handler, r *http.Request, remote string) (res *http.Response, err error) {
	ctx := r.Context()
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in := r.Clone(ctx)
	in.RemoteAddr, in.RequestURI = remote, r.URL.RequestURI()
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer func() {
		if p := recover(); p != nil {
			if !aborted(p) {
				panic(p)
			}
			if res, err = nil, ctx.Err(); err == nil {
				err = resetError()
			}
		}
	}()
	rec := &recorder{header: http.Header{}}
	h.ServeHTTP(rec, in)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return rec.response(r), nil
}

// Hosts routes requests by host name to handlers, in memory: a small internet.
// A host that is not in the map does not resolve. Names are lower case and
// without a port. The map must not change while requests are running.
type Hosts map[string]http.Handler

// Do is RoundTrip under the name that azcore asks for.
func (h Hosts) Do(r *http.Request) (*http.Response, error) { return h.RoundTrip(r) }

// RoundTrip implements [http.RoundTripper].
func (h Hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	name := strings.ToLower(r.URL.Hostname())
	handler, ok := h[name]
	if !ok {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}}
	}
	return roundTrip(handler, r, "127.0.0.1:40000")
}

func resetError() error {
	return &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
}

// abort ends the request as a connection reset, over sockets and in memory.
func abort() { panic(http.ErrAbortHandler) }

// aborted says whether a panic is abort's.
func aborted(p any) bool {
	err, ok := p.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// drain reads what is left of a body so that a connection can be used again.
func drain(body io.ReadCloser) {
	_, _ = io.Copy(io.Discard, io.LimitReader(body, 1<<20))
	_ = body.Close()
}
