package credential_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// bothPaths runs a test on either path, with a source that takes its time and counts.
func bothPaths(t *testing.T, test func(t *testing.T, cred *credential.Credential, endpoint *slow)) {
	t.Helper()
	for _, path := range []credential.Path{credential.PodIdentity, credential.WorkloadIdentity} {
		t.Run(string(path), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, credentialtest.EntraOptions{})
				w.federate(t)
				w.imds.Attach(w.identity())
				endpoint := &slow{Transporter: w.hosts}
				if path == credential.PodIdentity {
					endpoint.Transporter = credentialtest.InMemory(w.imds)
				}
				cred := create(t, credential.Options{Path: path, LookupEnv: w.env, ClientOptions: azcore.ClientOptions{Transport: endpoint}, IMDSTransport: endpoint}, nil)
				test(t, cred, endpoint)
			})
		})
	}
}

func TestAThousandColdCallersSendOneRequest(t *testing.T) {
	bothPaths(t, func(t *testing.T, cred *credential.Credential, endpoint *slow) {
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				if _, err := cred.GetToken(t.Context(), ask(scope)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := endpoint.posts.Load(); n != 1 {
			t.Errorf("%d token requests, want 1", n)
		}
	})
}

func TestTwentyScopesTakeOneRoundTrip(t *testing.T) {
	bothPaths(t, func(t *testing.T, cred *credential.Credential, endpoint *slow) {
		start := time.Now()
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				if _, err := cred.GetToken(t.Context(), ask(fmt.Sprintf("https://service-%d.example/.default", i))); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := endpoint.posts.Load(); n != 20 {
			t.Errorf("%d token requests, want 20", n)
		}
		if took := time.Since(start); took != latency {
			t.Errorf("took %s of the bubble's time, want one round trip of %s", took, latency)
		}
	})
}

func TestEachWaiterReturnsWhenItsOwnContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		endpoint := transport(says(404, nmi, "getting assigned identities"))
		cred := w.pod(t, endpoint, nil)
		start := time.Now()
		var all sync.WaitGroup
		for _, patience := range []time.Duration{time.Millisecond, 200 * time.Millisecond, 7 * time.Second, time.Minute} {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_, err := cred.GetToken(ctx, ask(scope))
				if took := time.Since(start); took != patience {
					t.Errorf("returned after %s, want %s", took, patience)
				}
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error does not reach the context's: %v", err)
				}
				var failed *credential.TokenError
				if !errors.As(err, &failed) || failed.Permanent {
					t.Errorf("want a TokenError that is not permanent: %v", err)
				} else if patience > time.Second && failed.Decision != "nmi/not-ready" {
					t.Errorf("the error does not say why there is no token: %v", err)
				}
			})
		}
		all.Wait()
		time.Sleep(4 * time.Minute) // the request ends with its window
	})
}

func TestACallerThatLeavesDoesNotTakeTheRequestAlong(t *testing.T) {
	bothPaths(t, func(t *testing.T, cred *credential.Credential, endpoint *slow) {
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() {
			_, err := cred.GetToken(ctx, ask(scope))
			first <- err
		}()
		synctest.Wait()
		second := make(chan error, 1)
		go func() {
			_, err := cred.GetToken(t.Context(), ask(scope))
			second <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("first caller: %v", err)
		}
		if err := <-second; err != nil {
			t.Errorf("second caller: %v", err)
		}
		if n := endpoint.posts.Load(); n != 1 {
			t.Errorf("%d token requests, want 1", n)
		}
	})
}

func TestAnEndedContextStillGetsACachedToken(t *testing.T) {
	bothPaths(t, func(t *testing.T, cred *credential.Credential, _ *slow) {
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := cred.GetToken(ctx, ask(scope)); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := cred.GetToken(ctx, ask(scope)); err != nil {
			t.Errorf("cached token: %v", err)
		}
		if _, err := cred.GetToken(ctx, ask("https://other.example/.default")); !errors.Is(err, context.Canceled) {
			t.Errorf("no request may start: %v", err)
		}
	})
}

func TestManyScopesThatFailDoNotAddUpToABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		w.imds.Attach(w.identity())
		start := time.Now()
		var perSecond [60]atomic.Int64
		healthy := credentialtest.InMemory(w.imds)
		cred := w.pod(t, transport(func(r *http.Request) (*http.Response, error) {
			gone := time.Since(start)
			perSecond[gone/time.Second].Add(1)
			if gone < 30*time.Second {
				return says(404, nmi, "not yet")(r)
			}
			return healthy.Do(r)
		}), nil)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				_, err := cred.GetToken(t.Context(), ask(fmt.Sprintf("https://service-%d.example/.default", i)))
				if err != nil {
					t.Error(err)
				}
				if late := time.Since(start) - 30*time.Second; late > 2*time.Second {
					t.Errorf("scope %d has its token %s after recovery", i, late)
				}
			})
		}
		all.Wait()
		for second := 1; second < 30; second++ {
			if n := perSecond[second].Load(); n > 5 {
				t.Errorf("second %d: %d requests", second, n)
			}
		}
	})
}

func TestReadersRefreshesAndCancellationsOverlap(t *testing.T) {
	t.Parallel()
	bothPaths(t, func(t *testing.T, cred *credential.Credential, _ *slow) {
		stop := time.Now().Add(30 * time.Hour) // over many lives of a token
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				for time.Now().Before(stop) {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*10*time.Millisecond)
					o := ask(fmt.Sprintf("https://service-%d.example/.default", i%4))
					if i%5 == 0 {
						o.Claims = `{"access_token":{}}`
					}
					_, err := cred.GetToken(ctx, o)
					if err != nil && ctx.Err() == nil {
						t.Error(err)
					}
					cancel()
					_ = cred.Status()
					time.Sleep(time.Duration(i+1) * 10 * time.Minute)
				}
			})
		}
		all.Wait()
	})
}
