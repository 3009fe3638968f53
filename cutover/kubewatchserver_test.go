package cutover_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/pause"
)

// apiDouble is an API server that answers lists and watches by a script, without a network, so that it lives in a bubble.
type apiDouble struct {
	mu    sync.Mutex
	kinds map[string]*apiKind // by resource
}

// apiKind is the script of one kind. When the lists are used up, the last one is answered again; after the watches, always; and without it
// a watch stays open and says nothing.
type apiKind struct {
	lists, watches []apiReply
	always         *apiReply
	listed         int
	from           []string
}

// apiReply is one answer. A watch that has said its events is closed.
type apiReply struct {
	code    int
	version int
	objects string // of a list: "name@version …"
	more    bool   // of a list: there is a next page
	events  string // of a watch: "TYPE:name@version …"
	after   time.Duration
}

func (a *apiDouble) cluster(t *testing.T) cutover.Cluster {
	t.Helper()
	c, err := cutover.NewCluster(&rest.Config{Host: "http://api.test", Transport: a})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// RoundTrip implements http.RoundTripper.
func (a *apiDouble) RoundTrip(r *http.Request) (*http.Response, error) {
	resource := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	reply := a.next(resource, r)
	resp := &http.Response{Request: r, StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}}
	if reply == nil {
		body, w := io.Pipe()
		go func() {
			<-r.Context().Done()
			w.CloseWithError(r.Context().Err())
		}()
		resp.Body = body
		return resp, nil
	}
	if err := pause.For(r.Context(), reply.after); err != nil {
		return nil, err
	}
	body := watchBody(resource, reply.events)
	switch {
	case reply.code != 0:
		resp.StatusCode, body = reply.code, statusBody(reply.code)
	case r.URL.Query().Get("watch") == "":
		body = listBody(resource, reply)
	}
	resp.Body = io.NopCloser(strings.NewReader(body))
	return resp, nil
}

// next is the answer to a request; nil for a watch that stays open.
func (a *apiDouble) next(resource string, r *http.Request) *apiReply {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.kinds[resource]
	if r.URL.Query().Get("watch") == "" {
		k.listed++
		return &k.lists[min(k.listed, len(k.lists))-1]
	}
	k.from = append(k.from, r.URL.Query().Get("resourceVersion"))
	if n := len(k.from); n <= len(k.watches) {
		return &k.watches[n-1]
	}
	return k.always
}

func objectBody(resource, is string) string {
	name, version, _ := strings.Cut(is, "@")
	head := map[string]string{"pods": `"apiVersion":"v1","kind":"Pod"`, "jobs": `"apiVersion":"batch/v1","kind":"Job"`}[resource]
	return fmt.Sprintf(`{%s,"metadata":{"namespace":"shop","name":%q,"resourceVersion":%q}}`, head, name, version)
}

func listBody(resource string, reply *apiReply) string {
	var items []string
	for o := range strings.FieldsSeq(reply.objects) {
		items = append(items, objectBody(resource, o))
	}
	next := ""
	if reply.more {
		next = "token"
	}
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"List","metadata":{"resourceVersion":"%d","continue":%q},"items":[%s]}`, reply.version, next, strings.Join(items, ","))
}

func watchBody(resource, events string) string {
	var b strings.Builder
	for e := range strings.FieldsSeq(events) {
		what, o, _ := strings.Cut(e, ":")
		body := statusBody(http.StatusGone)
		if what != "ERROR" {
			body = objectBody(resource, o)
		}
		fmt.Fprintf(&b, "{\"type\":%q,\"object\":%s}\n", what, body)
	}
	return b.String()
}

func statusBody(code int) string {
	reason := map[int]string{http.StatusGone: "Expired", http.StatusServiceUnavailable: "ServiceUnavailable"}[code]
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Status","status":"Failure","reason":%q,"code":%d,"message":"as the script says"}`, reason, code)
}
