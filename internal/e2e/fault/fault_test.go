package fault_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/internal/e2e/fault"
)

// counter answers how often it was reached, as a server with state would.
type counter struct{ n atomic.Int64 }

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := c.n.Add(1)
	if r.URL.Query().Get("watch") != "" {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return
	}
	_, _ = io.WriteString(w, strings.Repeat("x", int(n))+"\n")
}

func TestEachFaultIsSeenByTheClientAsItWouldBeInTheField(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   fault.Fault
		query   string
		status  int    // 0: the connection breaks before an answer
		body    string // of the answer
		broken  bool   // while the body is read
		reached int64  // how often the server saw the request
	}{
		{name: "a status and nothing done", fault: fault.Fault{Status: 429, RetryAfter: "7", Body: "slow"}, status: 429, body: "slow"},
		{name: "latency and then the answer", fault: fault.Fault{Delay: time.Millisecond}, status: 200, body: "x\n", reached: 1},
		{name: "a reset before anything happened", fault: fault.Fault{ResetBefore: true}},
		{name: "a reset after it happened", fault: fault.Fault{ResetAfter: true}, reached: 1},
		{name: "a body cut short", fault: fault.Fault{Truncate: 1}, status: 200, body: "x", broken: true, reached: 1},
		{name: "a watch that ends", fault: fault.Fault{CloseWatchAfter: time.Millisecond}, query: "?watch=1", status: 200, reached: 1},
		{name: "a watch that is too old", fault: fault.Fault{ExpireWatch: true}, query: "?watch=true", status: 200, body: "ERROR"},
		{name: "a page that is too old", fault: fault.Fault{ExpireWatch: true}, query: "?continue=x", status: 410, body: "Expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := &counter{}
			i := fault.New(1)
			i.Script(fault.Rule{Fault: c.fault})
			s := httptest.NewServer(i.Wrap(server))
			defer s.Close()
			// A POST: clients repeat a GET whose connection broke by themselves.
			resp, err := http.Post(s.URL+"/"+c.query, "", nil)
			if server.n.Load() != c.reached {
				t.Errorf("the server saw %d requests, want %d", server.n.Load(), c.reached)
			}
			if c.status == 0 {
				if err == nil {
					t.Error("there was an answer")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if resp.StatusCode != c.status || !strings.Contains(string(body), c.body) || (err != nil) != c.broken {
				t.Errorf("got %d %q %v, want %d %q, broken %v", resp.StatusCode, body, err, c.status, c.body, c.broken)
			}
		})
	}
}

func TestStaleReadsShowTheFirstAnswerUntilItIsTooOld(t *testing.T) {
	i := fault.New(1)
	i.Script(fault.Rule{Methods: []string{"GET"}, Fault: fault.Fault{Stale: time.Hour}})
	s := httptest.NewServer(i.Wrap(&counter{}))
	defer s.Close()
	if a, b := get(t, s.URL), get(t, s.URL); a != b {
		t.Errorf("two reads gave %q and %q, want the same", a, b)
	}
	i.Script()
	if got := get(t, s.URL); got != "xx\n" {
		t.Errorf("without a script got %q, want the present state", got)
	}
}

func TestARuleSkipsThenStrikesThenEnds(t *testing.T) {
	i := fault.New(1)
	i.Script(fault.Rule{Path: "/serviceaccounts/", Skip: 1, Times: 2, Fault: fault.Fault{Status: 503}})
	s := httptest.NewServer(i.Wrap(&counter{}))
	defer s.Close()
	var got []int
	for range 4 {
		resp, err := http.Get(s.URL + "/api/serviceaccounts/x")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		got = append(got, resp.StatusCode)
	}
	if got[0] != 200 || got[1] != 503 || got[2] != 503 || got[3] != 200 || len(i.Events()) != 2 {
		t.Errorf("got %v and %d events, want 200 503 503 200 and 2", got, len(i.Events()))
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
