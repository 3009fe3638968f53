package federationtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
)

// Service is one HTTP face of a Cloud. It is an http.Handler, for a listener, and a policy.Transporter of azcore, for a client in the
// same process; the two answer alike. It asks for a bearer token and does not look into it.
type Service struct {
	handler http.HandlerFunc
}

// ServeHTTP answers one request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		writeError(w, refuse(http.StatusUnauthorized, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."))
		return
	}
	s.handler(w, r)
}

// Do answers one request of a client in the same process: set the Service as Transport of azcore's client options.
func (s *Service) Do(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if aborted, ok := p.(error); !ok || !errors.Is(aborted, http.ErrAbortHandler) {
			panic(p)
		}
		resp, err = nil, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, io.ErrUnexpectedEOF)
		if ctxErr := r.Context().Err(); ctxErr != nil {
			err = ctxErr
		}
	}()
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, in)
	resp = w.Result()
	resp.Request = r
	return resp, nil
}

// RoundTrip makes the Service an http.RoundTripper too.
func (s *Service) RoundTrip(r *http.Request) (*http.Response, error) { return s.Do(r) }

// writeError answers in the form that ARM and Graph share; a lost reply aborts the connection.
func writeError(w http.ResponseWriter, r *refusal) {
	if r.dropped {
		panic(http.ErrAbortHandler)
	}
	if r.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(r.retryAfter.Seconds())))
	}
	w.Header().Set("x-ms-error-code", r.code)
	writeJSON(w, r.status, map[string]any{"error": map[string]any{"code": r.code, "message": r.text}})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	// The client may be gone; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(body)
}

// readJSON decodes a request body; an empty one leaves v as it is.
func readJSON(r *http.Request, v any) *refusal {
	err := json.NewDecoder(r.Body).Decode(v)
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	return refuse(http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid and could not be deserialized: '%s'.", err)
}

// page cuts one page out of n items: its end, and whether there is more.
func page(r *http.Request, topKey, skipKey string, size, n int) (from, to int, more bool) {
	if top, err := strconv.Atoi(r.URL.Query().Get(topKey)); err == nil && top > 0 {
		size = top
	}
	from, err := strconv.Atoi(r.URL.Query().Get(skipKey))
	if err != nil || from < 0 {
		from = 0
	}
	from = min(from, n)
	to = min(from+size, n)
	return from, to, to < n
}

// nextLink is the request's own URL with another skip token.
func nextLink(r *http.Request, skipKey string, to int) string {
	u := *r.URL
	if u.Host == "" {
		u.Host, u.Scheme = r.Host, "http"
		if r.TLS != nil {
			u.Scheme = "https"
		}
	}
	q := u.Query()
	q.Set(skipKey, strconv.Itoa(to))
	u.RawQuery = q.Encode()
	return u.String()
}
