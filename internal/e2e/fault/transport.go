package fault

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
)

// Transport puts the injector between a client and its transport. It reads answers whole, so it is not for watches, and an answer that is
// cut short is none.
func (i *Injector) Transport(next http.RoundTripper) http.RoundTripper { return &transport{i, next} }

type transport struct {
	injector *Injector
	next     http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	var failed error
	w := httptest.NewRecorder()
	defer func() {
		switch p := recover(); {
		case p == nil && failed == nil:
		case p == nil || aborts(p):
			resp, err = nil, failed
			if err == nil {
				err = fmt.Errorf("fault: %w", io.ErrUnexpectedEOF)
			}
		default:
			panic(p)
		}
	}()
	t.injector.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if failed = t.pass(w, r); failed != nil {
			panic(http.ErrAbortHandler)
		}
	})).ServeHTTP(w, r)
	resp = w.Result()
	resp.Request = r
	return resp, nil
}

func (t *transport) pass(w http.ResponseWriter, r *http.Request) error {
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	_, err = io.Copy(w, resp.Body)
	return err
}
