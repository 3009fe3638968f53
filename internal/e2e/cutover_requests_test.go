package e2e_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// request is one request that a client has sent to an API server, and its answer's status; 0 where none came.
type request struct {
	at            time.Time
	Method, Path  string
	Watch, DryRun bool
	Status        int
}

// changed reports whether the request made a change.
func (r request) changed() bool { return r.Method != http.MethodGet && !r.DryRun && r.Status/100 == 2 }

// requestLog notes every request of the clients that it is put around. It is safe for concurrent use.
type requestLog struct {
	mu  sync.Mutex
	all []request
}

// wrap is a transport.WrapperFunc.
func (l *requestLog) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		q := r.URL.Query()
		dry := q.Has("dryRun")
		if r.Method == http.MethodDelete && r.GetBody != nil { // where the options are in the body
			if body, err := r.GetBody(); err == nil {
				options, _ := io.ReadAll(body)
				dry = dry || bytes.Contains(options, []byte("dryRun"))
			}
		}
		resp, err := next.RoundTrip(r)
		e := request{at: time.Now(), Method: r.Method, Path: r.URL.Path, Watch: q.Get("watch") == "true" || q.Get("watch") == "1", DryRun: dry}
		if resp != nil {
			e.Status = resp.StatusCode
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = append(l.all, e)
		return resp, err
	})
}

// between are the requests of a period.
func (l *requestLog) between(from, to time.Time) []request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.all), func(r request) bool { return r.at.Before(from) || r.at.After(to) })
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
