package fault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// Wrap puts the injector in front of a handler.
func (i *Injector) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := i.choose(r)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		if f.Delay > 0 && pause.For(r.Context(), f.Delay) != nil || f.ResetBefore {
			panic(http.ErrAbortHandler)
		}
		i.serve(f, next, w, r)
	})
}

// serve does what is left of a fault after its delay.
func (i *Injector) serve(f Fault, next http.Handler, w http.ResponseWriter, r *http.Request) {
	switch {
	case f.Status != 0:
		refuse(w, f)
	case f.ExpireWatch && (isWatch(r) || r.URL.Query().Get("continue") != ""):
		expire(w, r)
	case f.CloseWatchAfter > 0 && isWatch(r):
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		next.ServeHTTP(&fuse{ResponseWriter: w, after: f.CloseWatchAfter, cancel: cancel}, r.WithContext(ctx))
	case f.Stale > 0 && r.Method == http.MethodGet && !isWatch(r):
		i.serveStale(f, next, w, r)
	case f.ResetAfter:
		next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case f.Truncate > 0:
		next.ServeHTTP(&cutter{ResponseWriter: w, left: f.Truncate}, r)
	default:
		next.ServeHTTP(w, r)
	}
}

func refuse(w http.ResponseWriter, f Fault) {
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, f.Body)
}

// expired is the answer of an API server whose history does not reach back as far as asked.
const expired = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version","reason":"Expired","code":410}`

func expire(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if !isWatch(r) {
		w.WriteHeader(http.StatusGone)
		_, _ = io.WriteString(w, expired)
		return
	}
	_, _ = io.WriteString(w, `{"type":"ERROR","object":`+expired+"}\n")
}

// answer is a response that was kept.
type answer struct {
	*httptest.ResponseRecorder

	until time.Time
}

// serveStale answers with what was there first, until that is too old.
func (i *Injector) serveStale(f Fault, next http.Handler, w http.ResponseWriter, r *http.Request) {
	key := r.URL.String() + " " + r.Header.Get("Accept")
	i.mu.Lock()
	a, ok := i.stale[key]
	i.mu.Unlock()
	if !ok || time.Now().After(a.until) {
		a = answer{httptest.NewRecorder(), time.Now().Add(f.Stale)}
		next.ServeHTTP(a.ResponseRecorder, r)
		i.mu.Lock()
		i.stale[key] = a
		i.mu.Unlock()
	}
	maps.Copy(w.Header(), a.Header())
	w.WriteHeader(a.Code)
	_, _ = w.Write(a.Body.Bytes())
}

// fuse ends a request some time after its answer began.
type fuse struct {
	http.ResponseWriter

	after  time.Duration
	cancel context.CancelFunc
	lit    bool
}

func (f *fuse) WriteHeader(status int) {
	if !f.lit {
		f.lit = true
		time.AfterFunc(f.after, f.cancel)
	}
	f.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController flush.
func (f *fuse) Unwrap() http.ResponseWriter { return f.ResponseWriter }

// cutter lets some bytes through and then cuts the connection.
type cutter struct {
	http.ResponseWriter

	left int
}

func (c *cutter) Write(b []byte) (int, error) {
	n := min(len(b), c.left)
	if _, err := c.ResponseWriter.Write(b[:n]); err != nil {
		return 0, err
	}
	if c.left -= n; c.left > 0 {
		return n, nil
	}
	if f, ok := c.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
	panic(http.ErrAbortHandler)
}

// Unwrap lets http.ResponseController flush.
func (c *cutter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Proxy returns a handler that passes requests on to a server which roots vouch for. Put an injector in front with Wrap.
func Proxy(to *url.URL, roots *x509.CertPool) http.Handler {
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64,
	}
	return &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport:     transport,
		FlushInterval: -1, // watches must not wait
		ErrorLog:      log.New(io.Discard, "", 0),
	}
}
