package credentialtest

import (
	"net/http"
	"strconv"
	"time"
)

// Canned is a fixed HTTP answer: the building block of faults.
type Canned struct {
	// Status defaults to 200.
	Status int
	// Header is added to the answer.
	Header map[string]string
	// RetryAfter, if not zero, is sent in whole seconds.
	RetryAfter time.Duration
	// Body is sent as is.
	Body string
	// Hold is how long the answer is held back. It ends early, without an
	// answer, when the client goes away.
	Hold time.Duration
	// Reset closes the connection instead of answering.
	Reset bool
}

// ServeHTTP gives the answer.
func (c Canned) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !sleep(r, c.Hold) || c.Reset {
		abort()
	}
	for k, v := range c.Header {
		w.Header().Set(k, v)
	}
	if c.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(c.RetryAfter/time.Second)))
	}
	if c.Status != 0 {
		w.WriteHeader(c.Status)
	}
	_, _ = w.Write([]byte(c.Body))
}

// sleep waits for d and reports whether the client is still there.
func sleep(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return r.Context().Err() == nil
	}
	return wait(r.Context(), d) == nil
}
