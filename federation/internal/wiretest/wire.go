// Package wiretest is the transport under the tests of the stores: it answers by a script and remembers what was asked.
package wiretest

import (
	"io"
	"net/http"
	"strings"
	"sync"
)

// Wire answers each request with one function. Seen holds the method and the URL of each; read and set both fields between requests only.
type Wire struct {
	Answer func(*http.Request) (*http.Response, error)
	Seen   []string

	mu sync.Mutex
}

// Do implements policy.Transporter.
func (w *Wire) Do(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.Seen = append(w.Seen, req.Method+" "+req.URL.String())
	w.mu.Unlock()
	resp, err := w.Answer(req)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

// Says is an answer in JSON, with header lines as pairs.
func Says(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}
