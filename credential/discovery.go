package credential

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// discovery is a policy that remembers Entra's discovery documents, which every new
// azidentity credential asks for, and lets concurrent requests for one share it.
// They are metadata of the cloud and the tenant, as constant as MSAL takes them to be:
// it keeps them as long as a credential lives. But whatever answers 200 may be a captive
// portal or a proxy, so a document that led to no token endpoint is forgotten.
type discovery struct {
	mu   sync.Mutex
	docs map[string]*document
}

type document struct {
	turn  chan struct{} // holds one element: the right to ask first
	known atomic.Pointer[knownDocument]
}

type knownDocument struct {
	body []byte
	head http.Header
}

// turnPatience is how long a request waits for another one that asks the same. An
// asker may hang; nobody else hangs with it.
const turnPatience = 250 * time.Millisecond

func newDiscovery() *discovery { return &discovery{docs: map[string]*document{}} }

// Do implements policy.Policy.
func (d *discovery) Do(req *policy.Request) (*http.Response, error) {
	raw := req.Raw()
	if raw.Method != http.MethodGet || !isDiscovery(raw.URL.Path) {
		return req.Next()
	}
	doc := d.document(raw.URL.String())
	patience := time.NewTimer(turnPatience)
	defer patience.Stop()
	select {
	case doc.turn <- struct{}{}:
		defer func() { <-doc.turn }()
	case <-patience.C:
	case <-raw.Context().Done():
		return nil, raw.Context().Err()
	}
	if known := doc.known.Load(); known != nil {
		return known.response(raw), nil
	}
	resp, err := req.Next()
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	body, err := runtime.Payload(resp)
	if err != nil {
		return nil, err
	}
	doc.known.Store(&knownDocument{body: body, head: resp.Header.Clone()})
	return resp, nil
}

// forget drops what is known, after a try that Entra did not answer: something else
// may have answered for it, such as a captive proxy, and must not be remembered.
func (d *discovery) forget(o outcome) {
	if o.fault == FaultAnswer && len(o.codes) > 0 || o.fault == FaultFile || o.fault == FaultIdentity {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, doc := range d.docs {
		doc.known.Store(nil)
	}
}

func isDiscovery(path string) bool {
	return strings.HasSuffix(path, "/.well-known/openid-configuration") || strings.HasSuffix(path, "/common/discovery/instance")
}

func (d *discovery) document(url string) *document {
	d.mu.Lock()
	defer d.mu.Unlock()
	doc := d.docs[url]
	if doc == nil {
		doc = &document{turn: make(chan struct{}, 1)}
		d.docs[url] = doc
	}
	return doc
}

func (d *knownDocument) response(req *http.Request) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: d.head.Clone(), ContentLength: int64(len(d.body)), Body: io.NopCloser(bytes.NewReader(d.body)), Request: req,
	}
}
