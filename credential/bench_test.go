package credential_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// latency is what a token request takes in the benchmarks that send any.
const latency = 50 * time.Millisecond

// slow delays the token requests of a transport and counts them.
type slow struct {
	policy.Transporter
	posts atomic.Int64
}

func (s *slow) Do(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost || r.URL.Host == "169.254.169.254" {
		s.posts.Add(1)
		time.Sleep(latency) //nolint:forbidigo // the network
	}
	return s.Transporter.Do(r)
}

// contender is one credential in the benchmarks.
type contender struct {
	name string
	make func(b *testing.B, w *world, endpoint *slow) azcore.TokenCredential
}

func contenders() []contender {
	return []contender{
		{"wimigrate", func(b *testing.B, w *world, endpoint *slow) azcore.TokenCredential { return w.pod(b, endpoint, nil) }},
		{"azidentity", func(b *testing.B, w *world, endpoint *slow) azcore.TokenCredential {
			return must[azcore.TokenCredential](b)(makeBare(w.client, endpoint))
		}},
		{"wimigrate-workload", func(b *testing.B, w *world, endpoint *slow) azcore.TokenCredential {
			endpoint.Transporter = w.hosts
			return w.workload(b, func(o *credential.Options) { o.Transport = endpoint })
		}},
		{"azidentity-workload", func(b *testing.B, w *world, endpoint *slow) azcore.TokenCredential {
			endpoint.Transporter = w.hosts
			return must[*azidentity.WorkloadIdentityCredential](b)(azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
				ClientOptions: azcore.ClientOptions{Transport: endpoint}, ClientID: w.client, TenantID: tenant, TokenFilePath: w.file}))
		}},
	}
}

// must returns a function that returns its first argument, or ends the benchmark.
func must[T any](tb testing.TB) func(T, error) T {
	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

func newContest(b *testing.B, c contender) (azcore.TokenCredential, *slow) {
	w := newWorld(b, credentialtest.EntraOptions{})
	w.federate(b)
	w.imds.Attach(w.identity())
	endpoint := &slow{Transporter: credentialtest.InMemory(w.imds)}
	return c.make(b, w, endpoint), endpoint
}

// BenchmarkGetToken compares with bare azidentity: a cached token, alone and from
// parallel readers; 1,000 goroutines that ask for the first token at once; and the
// first tokens for 20 scopes at once. The last two send requests of 50 ms.
func BenchmarkGetToken(b *testing.B) {
	for _, c := range contenders() {
		b.Run(c.name+"-cached", func(b *testing.B) {
			cred, _ := newContest(b, c)
			o := ask(scope)
			must[azcore.AccessToken](b)(cred.GetToken(b.Context(), o))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := cred.GetToken(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"-parallel", func(b *testing.B) {
			cred, _ := newContest(b, c)
			o := ask(scope)
			must[azcore.AccessToken](b)(cred.GetToken(b.Context(), o))
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := cred.GetToken(b.Context(), o); err != nil {
						b.Error(err)
					}
				}
			})
		})
		b.Run(c.name+"-stampede", func(b *testing.B) {
			contest(b, c, 1000, func(int) string { return scope })
		})
		b.Run(c.name+"-scopes", func(b *testing.B) {
			contest(b, c, 20, func(i int) string { return fmt.Sprintf("https://service-%d.example/.default", i) })
		})
	}
}

// contest lets n goroutines ask a new credential at once and reports the requests sent.
func contest(b *testing.B, c contender, n int, scopeOf func(int) string) {
	var requests int64
	runs := 0
	for b.Loop() {
		b.StopTimer()
		cred, endpoint := newContest(b, c)
		b.StartTimer()
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				if _, err := cred.GetToken(b.Context(), ask(scopeOf(i))); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
		requests += endpoint.posts.Load()
		runs++
	}
	b.ReportMetric(float64(requests)/float64(runs), "requests/op")
}
