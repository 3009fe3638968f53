package fault_test

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/internal/e2e/fault"
)

// counter answers how often it was reached, as a server with state would; watches get one event and the beginning of another.
type counter struct{ n atomic.Int64 }

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := c.n.Add(1)
	if r.URL.Query().Get("watch") != "" {
		if r.Header.Get("Accept-Encoding") == "gzip" { // as API servers do since 1.37; what is inside does not matter here
			w.Header().Set("Content-Encoding", "gzip")
		}
		w.Header().Set("Content-Type", r.URL.Query().Get("as"))
		_, _ = io.WriteString(w, r.URL.Query().Get("says"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return
	}
	_, _ = io.WriteString(w, strings.Repeat("x", int(n))+"\n")
}

// front serves a handler behind a proxy with the injector in it, and returns its URL and a client for it. Both servers speak HTTP/2 as API
// servers do, or both HTTP/1.1.
func front(t *testing.T, i *fault.Injector, h http.Handler, http2 bool) (string, *http.Client) {
	t.Helper()
	start := func(h http.Handler) *httptest.Server {
		s := httptest.NewUnstartedServer(h)
		s.EnableHTTP2 = http2
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	back := start(h)
	roots := x509.NewCertPool()
	roots.AddCert(back.Certificate())
	to, err := url.Parse(back.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := start(i.Wrap(fault.Proxy(to, roots)))
	return s.URL, s.Client()
}

// watching is the query of a watch that gets one whole event and half a one.
var watching = "?watch=1&as=application/json&says=" + url.QueryEscape("{\"type\":\"ADDED\"}\n{\"type\":\"MOD")

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
		{name: "a status although it happened", fault: fault.Fault{StatusAfter: 504, RetryAfter: "1"}, status: 504, body: "Timeout", reached: 1},
		{name: "a body cut short", fault: fault.Fault{Truncate: 1}, status: 200, body: "x", broken: true, reached: 1},
		{name: "a body that comes byte by byte", fault: fault.Fault{Slow: time.Millisecond}, status: 200, body: "x\n", reached: 1},
		{name: "a watch that ends in good order", fault: fault.Fault{CloseWatchAfter: 20 * time.Millisecond}, query: watching, status: 200, body: "{\"type\":\"ADDED\"}\n", reached: 1},
		{name: "a watch that is too old", fault: fault.Fault{ExpireWatch: true}, query: "?watch=true", status: 200, body: `"type":"ERROR"`},
		{name: "a watch that is refused as too old", fault: fault.Fault{Status: 410}, query: "?watch=true", status: 410, body: "Expired"},
		{name: "a page that is too old", fault: fault.Fault{ExpireWatch: true}, query: "?continue=x", status: 410, body: "Expired"},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, HTTP/2 %v", c.name, http2), func(t *testing.T) {
				server := &counter{}
				i := fault.New(1)
				i.Script(fault.Rule{Times: 1, Fault: c.fault})
				at, client := front(t, i, server, http2)
				// A POST: clients repeat a GET whose connection broke by themselves.
				resp, err := client.Post(at+"/api/"+c.query, "", nil)
				if server.n.Load() != c.reached {
					t.Errorf("the server saw %d requests, want %d", server.n.Load(), c.reached)
				}
				if n := len(i.Events()); n != 1 && c.fault.CloseWatchAfter == 0 && c.fault.Truncate == 0 && c.fault.Slow == 0 {
					t.Errorf("%d events", n)
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
				if strings.Contains(string(body), "MOD") {
					t.Errorf("got %q, with an event that is not whole", body)
				}
				if n := len(i.Events()); n != 1 {
					t.Errorf("%d events in the end", n)
				}
			})
		}
	}
}

func TestEventsOfAWatchAreToldTwice(t *testing.T) {
	for name, c := range map[string]struct{ as, says, want string }{
		"lines of JSON": {"application/json", "a\nb\nc", "a\na\nb\nb\n"},
		"messages of protobuf": {"application/vnd.kubernetes.protobuf;stream=watch", "\x00\x00\x00\x02ab\x00\x00\x00\x01c\x00\x00\x00\x02d",
			"\x00\x00\x00\x02ab\x00\x00\x00\x02ab\x00\x00\x00\x01c\x00\x00\x00\x01c"},
	} {
		t.Run(name, func(t *testing.T) {
			i := fault.New(1)
			i.Script(fault.Rule{Fault: fault.Fault{RepeatEvents: true}})
			at, client := front(t, i, &counter{}, true)
			resp, err := client.Get(at + "/?watch=1&as=" + url.QueryEscape(c.as) + "&says=" + url.QueryEscape(c.says))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got := make([]byte, len(c.want))
			if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != c.want {
				t.Errorf("got %q, want %q: %v", got, c.want, err)
			}
			if len(i.Events()) != 1 {
				t.Errorf("%d events, want one for the watch", len(i.Events()))
			}
		})
	}
}

func TestARefusalOfAnAPIServerIsAStatusUnlessTheScriptSaysWhat(t *testing.T) {
	for _, c := range []struct {
		path  string
		fault fault.Fault
		want  metav1.StatusReason // "" for no Status
	}{
		{"/api/v1/pods", fault.Fault{Status: 401}, metav1.StatusReasonUnauthorized},
		{"/api/v1/pods", fault.Fault{Status: 403}, metav1.StatusReasonForbidden},
		{"/apis/apps/v1/deployments", fault.Fault{Status: 409}, metav1.StatusReasonConflict},
		{"/apis/apps/v1/deployments", fault.Fault{Status: 429, RetryAfter: "3"}, metav1.StatusReasonTooManyRequests},
		{"/api/v1/pods", fault.Fault{Status: 503}, metav1.StatusReasonServiceUnavailable},
		{"/api/v1/pods", fault.Fault{Status: 503, Body: "<html>"}, ""},
		{"/common/oauth2/v2.0/token", fault.Fault{Status: 503}, ""},
	} {
		i := fault.New(1)
		i.Script(fault.Rule{Fault: c.fault})
		s := httptest.NewServer(i.Wrap(&counter{}))
		defer s.Close()
		resp, err := http.Get(s.URL + c.path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var status metav1.Status
		err = json.NewDecoder(resp.Body).Decode(&status)
		if typed := resp.Header.Get("Content-Type") == "application/json"; status.Reason != c.want || typed != (c.want != "") || typed != (err == nil) {
			t.Errorf("%s %+v: got %+v, want the reason %q; JSON: %v", c.path, c.fault, status, c.want, typed)
		}
		if c.fault.RetryAfter != "" && (status.Details == nil || status.Details.RetryAfterSeconds != 3 || resp.Header.Get("Retry-After") != "3") {
			t.Errorf("got %+v, want it to say when to come again", status)
		}
	}
}

func TestARuleIsNotSpentWhereItsFaultCannotHappen(t *testing.T) {
	for _, c := range []struct {
		name               string
		fault              fault.Fault
		method, pass, then string // queries: what passes, and what the fault happens to
	}{
		{"only a watch and a next page can be too old", fault.Fault{ExpireWatch: true}, "GET", "", "?continue=x"},
		{"only a watch can be closed", fault.Fault{CloseWatchAfter: time.Millisecond}, "GET", "", "?watch=1"},
		{"only events can be repeated", fault.Fault{RepeatEvents: true}, "GET", "", "?watch=1&says=" + url.QueryEscape("a\n")},
		{"only a longer body can be cut", fault.Fault{Truncate: 2}, "POST", "", ""},
		{"only a read can be stale, and not the first", fault.Fault{Stale: time.Hour}, "GET", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := fault.New(1)
			i.Script(fault.Rule{Times: 1, Fault: c.fault})
			at, client := front(t, i, &counter{}, true)
			for n, query := range []string{c.pass, c.then} {
				req, err := http.NewRequestWithContext(t.Context(), c.method, at+"/"+query, nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				if c.fault.RepeatEvents && n == 1 { // a watch without end
					_, err = resp.Body.Read(make([]byte, 100))
				} else {
					_, err = io.ReadAll(resp.Body)
				}
				_ = resp.Body.Close()
				if err != nil && n == 0 {
					t.Fatal(err)
				}
				if got := len(i.Events()); got != n {
					t.Fatalf("%d events after request %d", got, n+1)
				}
			}
		})
	}
	t.Run("what has not changed is not stale", func(t *testing.T) {
		i := fault.New(1)
		i.Script(fault.Rule{Fault: fault.Fault{Stale: time.Hour}})
		at, client := front(t, i, http.NotFoundHandler(), true)
		for range 3 {
			_ = get(t, client, at)
		}
		if n := len(i.Events()); n != 0 {
			t.Errorf("%d events", n)
		}
	})
	t.Run("a write is never stale", func(t *testing.T) {
		i := fault.New(1)
		i.Script(fault.Rule{Times: 1, Fault: fault.Fault{Stale: time.Hour}})
		at, client := front(t, i, &counter{}, true)
		for range 2 {
			resp, err := client.Post(at, "", nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
		}
		if a, b := get(t, client, at), get(t, client, at); a != "xxx\n" || b != a || len(i.Events()) != 1 {
			t.Errorf("after two writes two reads gave %q and %q, and %d events", a, b, len(i.Events()))
		}
	})
}

func TestStaleReadsShowTheFirstAnswerUntilItIsTooOld(t *testing.T) {
	i := fault.New(1)
	i.Script(fault.Rule{Methods: []string{"GET"}, Fault: fault.Fault{Stale: time.Hour}})
	at, client := front(t, i, &counter{}, true)
	if a, b := get(t, client, at), get(t, client, at); a != b {
		t.Errorf("two reads gave %q and %q, want the same", a, b)
	}
	i.Script()
	if got := get(t, client, at); got != "xxx\n" {
		t.Errorf("without a script got %q, want the present state", got)
	}
}

func TestARuleSkipsThenStrikesThenEnds(t *testing.T) {
	i := fault.New(1)
	i.Script(
		fault.Rule{Path: "/serviceaccounts/", Skip: 1, Times: 2, Fault: fault.Fault{Status: 503}},
		fault.Rule{Query: "dryRun=All", Fault: fault.Fault{Status: 501}},
		fault.Rule{ContentType: "apply-patch", Fault: fault.Fault{Status: 502}},
	)
	s := httptest.NewServer(i.Wrap(&counter{}))
	defer s.Close()
	var got []int
	for _, where := range []string{"/api/serviceaccounts/x", "/api/serviceaccounts/x", "/api/serviceaccounts/x", "/api/serviceaccounts/x", "/pods?dryRun=All", "/pods"} {
		resp, err := http.Post(s.URL+where, "application/json", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		got = append(got, resp.StatusCode)
	}
	resp, err := http.Post(s.URL, "application/apply-patch+yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if want := "[200 503 503 200 501 200 502]"; fmt.Sprint(append(got, resp.StatusCode)) != want || len(i.Events()) != 4 {
		t.Errorf("got %v and %d events, want %s and 4", append(got, resp.StatusCode), len(i.Events()), want)
	}
}

func TestATransportFailsAsTheServerBehindItWould(t *testing.T) {
	server := &counter{}
	s := httptest.NewServer(server)
	i := fault.New(1)
	client := &http.Client{Transport: i.Transport(http.DefaultTransport)}
	if got := get(t, client, s.URL); got != "x\n" {
		t.Errorf("without a script got %q", got)
	}
	i.Script(fault.Rule{Times: 1, Fault: fault.Fault{ResetAfter: true}}, fault.Rule{Times: 1, Fault: fault.Fault{Status: 503}})
	if resp, err := client.Post(s.URL, "", nil); err == nil {
		_ = resp.Body.Close()
		t.Error("the answer was not lost")
	}
	resp, err := client.Post(s.URL, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 503 || server.n.Load() != 2 || len(i.Events()) != 2 {
		t.Errorf("got %d; the server saw %d requests, and %d faults happened", resp.StatusCode, server.n.Load(), len(i.Events()))
	}
	s.Close()
	if resp, err := client.Post(s.URL, "", nil); err == nil {
		_ = resp.Body.Close()
		t.Error("a server that is not there answered")
	}
}

func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	resp, err := client.Get(url)
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
