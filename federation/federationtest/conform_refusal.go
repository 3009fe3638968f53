package federationtest

import (
	"net/http"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/federation"
)

// every returns options with a fault for each request of an operation.
func every(op string, f Fault) *CloudOptions {
	return &CloudOptions{Fault: First(op, 1<<30, f)}
}

var refusalCases = []storeCase{
	{name: "a missing identity is ErrParentNotFound, to read and to write", run: func(s suite) {
		_, err := s.store.List(s.Context(), s.missing)
		s.refused(err, federation.ErrParentNotFound, http.StatusNotFound)
		s.refused(s.store.Put(s.Context(), s.missing, suiteCredential(1)), federation.ErrParentNotFound, http.StatusNotFound)
	}},
	{name: "the 21st credential is ErrLimit", seed: suiteCredentials(20), run: func(s suite) {
		s.refused(s.store.Put(s.Context(), s.id, suiteCredential(20)), federation.ErrLimit, http.StatusBadRequest)
	}},
	{name: "a full identity still takes a change to what it has", seed: suiteCredentials(20), run: func(s suite) {
		changed := suiteCredential(7)
		changed.Issuer = "https://westeurope.oic.prod-aks.azure.com/tenant/other/"
		s.put(changed)
	}},
	{name: "an issuer and subject under a second name is ErrDuplicate", seed: suiteCredentials(1), run: func(s suite) {
		second := suiteCredential(0)
		second.Name = "second-name"
		s.refused(s.store.Put(s.Context(), s.id, second), federation.ErrDuplicate, http.StatusBadRequest)
	}},
	{name: "a name with an illegal character is ErrInvalid", run: func(s suite) {
		c := suiteCredential(0)
		c.Name = "no=good"
		s.refused(s.store.Put(s.Context(), s.id, c), federation.ErrInvalid, http.StatusBadRequest)
	}},
	{name: "an empty subject is ErrInvalid", run: func(s suite) {
		c := suiteCredential(0)
		c.Subject = ""
		s.refused(s.store.Put(s.Context(), s.id, c), federation.ErrInvalid, http.StatusBadRequest)
	}},
	{name: "writes that overlap on one identity are ErrConflict", options: &CloudOptions{Latency: time.Second}, run: func(s suite) {
		first := make(chan error, 1)
		go func() { first <- s.store.Put(s.Context(), s.id, suiteCredential(1)) }()
		synctest.Wait()
		s.refused(s.store.Put(s.Context(), s.id, suiteCredential(2)), federation.ErrConflict, http.StatusConflict)
		if err := <-first; err != nil {
			s.Errorf("the first write failed too: %v", err)
		}
	}},
	{name: "429 is ErrThrottled and carries Retry-After",
		options: every(federation.OpPut, Fault{Status: 429, Code: "TooManyRequests", RetryAfter: 7 * time.Second}), run: func(s suite) {
			err := s.refusal(s.store.Put(s.Context(), s.id, suiteCredential(1)), federation.ErrThrottled, http.StatusTooManyRequests)
			if err.RetryAfter != 7*time.Second {
				s.Errorf("RetryAfter is %v, want 7s", err.RetryAfter)
			}
		}},
	{name: "503 on a read is ErrUnavailable", options: every(federation.OpList, Fault{Status: 503, Code: "ServiceUnavailable"}), run: func(s suite) {
		_, err := s.store.List(s.Context(), s.id)
		s.refused(err, federation.ErrUnavailable, http.StatusServiceUnavailable)
	}},
	{name: "403 is ErrForbidden", options: every(federation.OpPut, Fault{Status: 403, Code: "AuthorizationFailed"}), run: func(s suite) {
		err := s.refusal(s.store.Put(s.Context(), s.id, suiteCredential(1)), federation.ErrForbidden, http.StatusForbidden)
		if err.Code != "AuthorizationFailed" {
			s.Errorf("code is %q", err.Code)
		}
	}},
	{name: "405 is ErrUnsupportedRegion", options: every(federation.OpPut, Fault{Status: 405, Code: "MethodNotAllowed"}), run: func(s suite) {
		s.refused(s.store.Put(s.Context(), s.id, suiteCredential(1)), federation.ErrUnsupportedRegion, http.StatusMethodNotAllowed)
	}},
	{name: "a lost reply is ErrUnavailable with status 0, and the write has happened", options: every(federation.OpPut, Fault{DropReply: true}),
		run: func(s suite) {
			s.refused(s.store.Put(s.Context(), s.id, suiteCredential(1)), federation.ErrUnavailable, 0)
			s.expect(suiteCredential(1))
		}},
}
