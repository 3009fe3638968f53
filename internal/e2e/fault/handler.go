package fault

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
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
		s := i.choose(r)
		if s == nil {
			next.ServeHTTP(w, r)
			return
		}
		defer s.end()
		if s.Delay > 0 {
			s.happen()
			if pause.For(r.Context(), s.Delay) != nil {
				panic(http.ErrAbortHandler)
			}
		}
		s.serve(next, w, r)
	})
}

// serve does what is left of a fault after its delay.
func (s *strike) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	switch {
	case s.ResetBefore:
		s.happen()
		panic(http.ErrAbortHandler)
	case s.Status != 0:
		s.happen()
		refuse(w, r, s.Status, s.Fault)
	case s.ExpireWatch:
		s.happen()
		expire(w, r)
	case s.CloseWatchAfter > 0:
		s.serveFused(next, w, r)
	case s.RepeatEvents:
		next.ServeHTTP(twice(w, s.happen), legible(r))
	case s.Stale > 0:
		s.serveStale(next, w, r)
	case s.ResetAfter:
		next.ServeHTTP(httptest.NewRecorder(), r)
		s.happen()
		panic(http.ErrAbortHandler)
	case s.StatusAfter != 0:
		next.ServeHTTP(httptest.NewRecorder(), r)
		s.happen()
		refuse(w, r, s.StatusAfter, s.Fault)
	case s.Truncate > 0:
		next.ServeHTTP(&cutter{ResponseWriter: w, left: s.Truncate, cut: s.happen}, r)
	case s.Slow > 0:
		next.ServeHTTP(&dribbler{ResponseWriter: w, ctx: r.Context(), pause: s.Slow, begun: s.happen}, r)
	default:
		next.ServeHTTP(w, r)
	}
}

// serveFused ends a watch as an API server does: after a whole event, and with the end of the body. A proxy whose request ends before its
// answer aborts the connection; that would be a reset.
func (s *strike) serveFused(next http.Handler, w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	f := &fuse{ResponseWriter: w, burn: func() *time.Timer {
		return time.AfterFunc(s.CloseWatchAfter, func() {
			s.happen()
			cancel()
		})
	}}
	defer func() {
		burnt := f.timer != nil && !f.timer.Stop()
		if p := recover(); p != nil && (!aborts(p) || !burnt || r.Context().Err() != nil) {
			panic(p)
		}
	}()
	next.ServeHTTP(&frames{ResponseWriter: f, each: func(event []byte) error {
		_, err := f.Write(event)
		return err
	}}, legible(r.WithContext(ctx)))
}

// aborts reports whether a panic is that of a handler that aborts its answer.
func aborts(p any) bool {
	err, ok := p.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// legible asks for an answer that is not compressed, so that events can be told apart.
func legible(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Set("Accept-Encoding", "identity")
	return r
}

// answer is a response that was kept.
type answer struct {
	*httptest.ResponseRecorder

	until time.Time
}

// serveStale answers with what was there first, until that is too old. Where nothing has changed since, no fault has happened.
func (s *strike) serveStale(next http.Handler, w http.ResponseWriter, r *http.Request) {
	i := s.injector
	key := r.URL.String() + " " + r.Header.Get("Accept")
	now := answer{httptest.NewRecorder(), time.Now().Add(s.Stale)}
	next.ServeHTTP(now.ResponseRecorder, r)
	i.mu.Lock()
	first, ok := i.stale[key]
	if !ok || time.Now().After(first.until) {
		first = now
		i.stale[key] = now
	}
	i.mu.Unlock()
	if !bytes.Equal(first.Body.Bytes(), now.Body.Bytes()) {
		s.happen()
	}
	maps.Copy(w.Header(), first.Header())
	w.WriteHeader(first.Code)
	_, _ = w.Write(first.Body.Bytes())
}

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
