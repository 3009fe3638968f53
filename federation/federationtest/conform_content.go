package federationtest

import (
	"context"
	"errors"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/federation"
)

var contentCases = []storeCase{
	{name: "an identity that trusts nothing lists nothing, without an error", run: func(s suite) { s.expect() }},
	{name: "what is put is listed byte for byte", run: func(s suite) {
		c := suiteCredential(1)
		c.Issuer = "https://EastUS.oic.prod-aks.azure.com/Tenant/UPPER-lower/?x=%2F"
		c.Subject = "system:serviceaccount:ns:sa.with.dots"
		s.put(c)
		s.expect(c)
	}},
	{name: "the same put twice is fine", run: func(s suite) {
		s.put(suiteCredential(1))
		s.put(suiteCredential(1))
		s.expect(suiteCredential(1))
	}},
	{name: "a put under the same name replaces in place", run: func(s suite) {
		old, changed := suiteCredential(1), suiteCredential(1)
		changed.Issuer, changed.Subject, changed.Audience = "https://rebuilt.example/", "system:serviceaccount:other:account", "api://other"
		s.put(old)
		s.put(changed)
		s.expect(changed)
	}},
	{name: "a listing of twenty runs over several pages", options: &CloudOptions{PageSize: 3}, seed: suiteCredentials(20),
		run: func(s suite) { s.expect(suiteCredentials(20)...) }},
	{name: "a full last page is not followed by another request for nothing", options: &CloudOptions{PageSize: 10}, seed: suiteCredentials(20),
		run: func(s suite) {
			s.expect(suiteCredentials(20)...)
			if n := len(s.cloud.Calls()); n > 2 {
				s.Errorf("%d requests for two pages", n)
			}
		}},
	{name: "a deleted credential is gone, and the others stay", seed: suiteCredentials(3), run: func(s suite) {
		if err := s.store.Delete(s.Context(), s.id, suiteCredential(1).Name); err != nil {
			s.Fatal(err)
		}
		s.expect(suiteCredential(0), suiteCredential(2))
	}},
	{name: "deleting what is absent is success", run: func(s suite) {
		if err := s.store.Delete(s.Context(), s.id, "not-there"); err != nil {
			s.Errorf("absent credential: %v", err)
		}
		if err := s.store.Delete(s.Context(), s.missing, "not-there"); err != nil {
			s.Errorf("absent identity: %v", err)
		}
	}},
	{name: "a flexible credential lists with subject empty",
		seed: []federation.Credential{{Name: "flexible", Issuer: "https://token.actions.githubusercontent.com", Audience: "api://x"}}, run: func(s suite) {
			s.expect(federation.Credential{Name: "flexible", Issuer: "https://token.actions.githubusercontent.com", Audience: "api://x"})
		}},
	{name: "every operation ends with its context", options: &CloudOptions{Latency: time.Hour}, run: func(s suite) {
		for op, call := range map[string]func(context.Context) error{
			federation.OpList:   func(ctx context.Context) error { _, err := s.store.List(ctx, s.id); return err },
			federation.OpPut:    func(ctx context.Context) error { return s.store.Put(ctx, s.id, suiteCredential(1)) },
			federation.OpDelete: func(ctx context.Context) error { return s.store.Delete(ctx, s.id, "x-y-z") },
		} {
			ctx, cancel := context.WithTimeout(s.Context(), time.Second)
			start := time.Now()
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				s.Errorf("%s returned %v", op, err)
			}
			if d := time.Since(start); d != time.Second {
				s.Errorf("%s took %v after its context ended at 1s", op, d)
			}
			cancel()
		}
	}},
	{name: "a store serves many goroutines at once", run: func(s suite) {
		for range 8 {
			go func() {
				if _, err := s.store.List(s.Context(), s.id); err != nil {
					s.Errorf("List: %v", err)
				}
			}()
		}
		synctest.Wait()
	}},
}
